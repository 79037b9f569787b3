"""`qb-pipeline demo`: a contractor's company and its QuickBooks books, a day's work in both, and the proof that they agree.

Invariant: nothing shown is written down beforehand; every figure is measured on the two servers or in the store.
"""
