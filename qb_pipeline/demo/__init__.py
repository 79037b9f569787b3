"""`qb-pipeline demo`: a contractor's company, its QuickBooks books, a day's work in both, and the proof.

Invariant: nothing shown is written down beforehand; every figure is measured on the two servers or in the store.
"""
