"""Quantities and cost of what lies in stock, first in first out.

Invariant: an item's QtyOnHand is the sum of its movements, and what its asset account holds is the cost of the units
that are left.

moves.py says what a transaction moves, curve.py what the first so many units cost, shelf.py keeps the movements in
order, restock.py posts their cost. Receipts and issues are two running totals: the units of an issue that ends at a
total of 30 are those that came in between the same totals, so a sale at the end costs one look-up, and a change in the
past moves the totals behind it.
"""
