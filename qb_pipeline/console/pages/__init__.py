"""Pages for people.

Invariant: whatever is shown is escaped, runs no script and is kept by no cache.
"""
