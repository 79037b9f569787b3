"""Reading both systems into staging.

Invariant: what was read is stored before a position moves past it, whatever was asked is asked completely or owed, and
nothing counts as gone before a read has said so.

quickbooks.py and contractor.py read what changed since the last time, rows.py finds its way through full answers and
around unreadable rows, poison.py finds out which these are, hints.py looks at what webhooks name, sweep.py compares
everything.
"""
