"""The engine: match, diff and load over three trees (contractor, QuickBooks, and the base both last agreed on).

Invariant: planning is pure and reads observations only; every effect passes through the journal.
"""
