"""Payment terms: kept in QuickBooks."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

TERM = Entity(
    name="term",
    title="Payment term",
    plural="terms",
    quickbooks_object="Term",
    direction=Direction.TO_CONTRACTOR,
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("name",),
    fields=(
        Field("name", required=True),
        Field("due_days", Kind.INTEGER),
        Field("discount_percent", Kind.NUMBER),
        Field("discount_days", Kind.INTEGER),
        Field("due_day_of_month", Kind.INTEGER),
        Field("active", Kind.BOOLEAN),
    ),
)
