"""Divisions (trades, business units) of the contractor are classes in QuickBooks."""

from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy, Removal

DIVISION = Entity(
    name="division",
    title="Division",
    plural="divisions",
    quickbooks_object="Class",
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("name",),
    fields=(
        Field("name", required=True, max_length=100),  # QBO's FullyQualifiedName for nested classes
        Field("active", Kind.BOOLEAN),
    ),
)
