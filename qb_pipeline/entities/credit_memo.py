"""Credit memos and the invoices they are applied to.

QuickBooks keeps the applications in payments and leaves applying to a person: one made there is copied, one made in the
contractor's system becomes an exception that says what to apply. Its API voids no credit memo: there it is deleted.
"""

from qb_pipeline.entities.invoice import SALES_LINES
from qb_pipeline.entities.payment import ALLOCATIONS
from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

CREDIT_MEMO = Entity(
    name="credit_memo",
    title="Credit memo",
    plural="credit_memos",
    quickbooks_object="CreditMemo",
    match_by=MatchBy.DOCUMENT,
    removal=Removal.DELETE,
    label_fields=("number",),
    unique_by=("number",),
    total_field="total",
    # Payments first: what they let go of an invoice makes room for the credit.
    depends_on=("payment",),
    fields=(
        Field("number", max_length=21),
        Field("customer", Kind.REF, refers_to="customer", required=True),
        Field("job", Kind.REF, refers_to="job"),
        Field("date", Kind.DATE, required=True),
        Field("lines", Kind.LINES, lines=SALES_LINES),
        Field("tax_code", Kind.REF, refers_to="tax_code"),
        Field("tax", Kind.MONEY, derived=True),
        Field("memo", max_length=1000, title="message to the customer"),
        Field("applications", Kind.LINES, lines=ALLOCATIONS, line_key="invoice"),
        Field("total", Kind.MONEY, direction=Direction.NONE),
        Field("balance", Kind.MONEY, direction=Direction.NONE, title="remaining credit"),
    ),
)
