"""What a company holds before a client has worked in it.

complete_company(company)      adds only what is missing (after --data)
fresh_company(company)         a new United States company without names, items or transactions
sample_company(company)        a contractor's books with some of everything, for clients that expect a lived-in company
"""

from qb_pipeline.sandbox.quickbooks.seed.company import complete_company, fresh_company
from qb_pipeline.sandbox.quickbooks.seed.sample import sample_company

__all__ = ["complete_company", "fresh_company", "sample_company"]
