"""The commands of `qb-pipeline`, a file for each group.

Invariant: a command reads its words, calls the engine and shows what came of it; no rule of the business stands here.
"""
