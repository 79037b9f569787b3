"""The sample company: a small contractor's books with some of everything, as a client's developer finds them.

Invariant: every object is made by the same writes a client uses (bundles excepted: QBO lets nobody write them), so the
sample obeys every rule of the sandbox and its ledger balances. It holds no attachments. Dates count back from today.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.seed import tax
from qb_pipeline.sandbox.quickbooks.seed.books import seed_books, seed_currencies, seed_opening
from qb_pipeline.sandbox.quickbooks.seed.chart import SAMPLE
from qb_pipeline.sandbox.quickbooks.seed.company import complete_company, put_lists, put_tax
from qb_pipeline.sandbox.quickbooks.seed.items import seed_items
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker
from qb_pipeline.sandbox.quickbooks.seed.people import seed_people
from qb_pipeline.sandbox.quickbooks.seed.purchases import seed_purchases
from qb_pipeline.sandbox.quickbooks.seed.receipts import seed_receipts
from qb_pipeline.sandbox.quickbooks.seed.sales import seed_sales
from qb_pipeline.sandbox.quickbooks.seed.templates import seed_templates

NAME = "Larkspur Building & Repair"


def sample_company(company: Company) -> None:
    """Fill a company that holds nothing yet."""
    put_lists(company, SAMPLE)
    put_tax(company, tax.AGENCIES, tax.RATES, tax.CODES)
    complete_company(company, NAME, currencies=True)
    maker = Maker(company)
    seed_currencies(maker)
    seed_people(maker)
    seed_items(maker)
    seed_opening(maker)
    seed_sales(maker)
    seed_receipts(maker)
    seed_books(maker)
    seed_purchases(maker)
    seed_templates(maker)
