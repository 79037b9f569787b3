"""The chart of accounts: kept in QuickBooks, mirrored so that price-book items can name their accounts."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

ACCOUNT = Entity(
    name="account",
    title="Account",
    plural="accounts",
    quickbooks_object="Account",
    direction=Direction.TO_CONTRACTOR,
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("name",),
    fields=(
        Field("name", title="full name", required=True),  # QBO's FullyQualifiedName: Parent:Child
        Field("code", title="account number"),
        Field("kind", title="account type", required=True),
        Field("active", Kind.BOOLEAN),
    ),
)
