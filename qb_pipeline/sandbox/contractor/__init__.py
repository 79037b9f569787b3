"""The reference API: a contractor's business software as a real HTTP server with durable state.

Invariant: what it does not model it refuses with the field, the cause and the fix; it never guesses.
"""
