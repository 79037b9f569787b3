"""Payment methods (check, card …): kept in QuickBooks."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

PAYMENT_METHOD = Entity(
    name="payment_method",
    title="Payment method",
    plural="payment_methods",
    quickbooks_object="PaymentMethod",
    direction=Direction.TO_CONTRACTOR,
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("name",),
    fields=(
        Field("name", required=True),
        Field("kind", title="card or not"),  # credit_card | non_credit_card
        Field("active", Kind.BOOLEAN),
    ),
)
