"""QBO's Reports API, computed from the ledger's postings.

Invariant: every report of one company, basis and date tells the same story, because all of them sum the same postings.

registry.py names the reports and answers a request; asked.py reads its parameters; lines.py (and cash.py) is the only
place that reads postings; movements.py sums them for the statements; entries.py lists them for the detail reports.
"""

from qb_pipeline.sandbox.quickbooks.reports.registry import run

__all__ = ["run"]
