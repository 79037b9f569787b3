"""Invoices with their lines. In QuickBooks the CustomerRef is the job's sub-customer where there is a job."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

ITEM_LINE = frozenset({"item"})
CHARGED = frozenset({"item", "discount"})

SALES_LINES: tuple[Field, ...] = (
    Field("kind"),  # item | text | discount
    Field("item", Kind.REF, refers_to="item", line_kinds=ITEM_LINE),
    Field("description", max_length=4000, line_kinds=frozenset({"item", "text"})),  # QBO's discounts have no words
    Field("quantity", Kind.NUMBER, line_kinds=ITEM_LINE),
    Field("unit_price", Kind.NUMBER, line_kinds=ITEM_LINE),
    Field("amount", Kind.MONEY, line_kinds=CHARGED),  # a discount's amount is negative
    Field("taxable", Kind.BOOLEAN, line_kinds=ITEM_LINE),
    Field("division", Kind.REF, refers_to="division", line_kinds=ITEM_LINE),
)

INVOICE = Entity(
    name="invoice",
    title="Invoice",
    plural="invoices",
    quickbooks_object="Invoice",
    match_by=MatchBy.DOCUMENT,
    removal=Removal.VOID,
    label_fields=("number",),
    unique_by=("number",),
    total_field="total",
    fields=(
        Field("number", max_length=21),
        Field("customer", Kind.REF, refers_to="customer", required=True),
        Field("job", Kind.REF, refers_to="job"),
        Field("date", Kind.DATE, required=True),
        Field("due_date", Kind.DATE),
        Field("terms", Kind.REF, refers_to="term"),
        Field("lines", Kind.LINES, lines=SALES_LINES),
        Field("tax_code", Kind.REF, refers_to="tax_code"),
        Field("tax", Kind.MONEY, derived=True),
        Field("memo", max_length=1000, title="message to the customer"),
        Field("total", Kind.MONEY, direction=Direction.NONE),
        Field("balance", Kind.MONEY, direction=Direction.NONE),
    ),
)
