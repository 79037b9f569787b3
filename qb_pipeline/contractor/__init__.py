"""HOW to talk to contractor software: one protocol, declarative REST connectors, one YAML file per platform.

Invariant: nothing outside this package knows how a contractor platform spells, pages, versions or refuses anything.
"""
