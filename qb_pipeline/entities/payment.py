"""Customer payments and the invoices they settle."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

ALLOCATIONS: tuple[Field, ...] = (
    Field("invoice", Kind.REF, refers_to="invoice", required=True),
    Field("amount", Kind.MONEY, required=True),
)

PAYMENT = Entity(
    name="payment",
    title="Payment",
    plural="payments",
    quickbooks_object="Payment",
    match_by=MatchBy.DOCUMENT,
    removal=Removal.VOID,
    label_fields=("reference",),
    total_field="amount",
    fields=(
        # The payer in QuickBooks may be a job's sub-customer; contractor software knows the customer.
        Field("customer", Kind.REF, refers_to="customer", required=True),
        Field("date", Kind.DATE, required=True),
        Field("amount", Kind.MONEY, required=True),
        Field("method", Kind.REF, refers_to="payment_method"),
        Field("reference", max_length=21),
        Field("allocations", Kind.LINES, lines=ALLOCATIONS, line_key="invoice"),
        Field("memo", max_length=4000),
        Field("unapplied", Kind.MONEY, direction=Direction.NONE),
    ),
)
