"""Jobs. In QuickBooks a sub-customer (`Job`, `ParentRef`) whose display name is `name` or `name (number)`."""

from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy, Removal, address

JOB = Entity(
    name="job",
    title="Job",
    plural="jobs",
    quickbooks_object="Customer",
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("number", "name"),
    label_fields=("name", "number"),
    fields=(
        Field("name", required=True, max_length=450),
        Field("number", max_length=40),
        Field("customer", Kind.REF, refers_to="customer", required=True),
        *address("site", "site"),
        Field("active", Kind.BOOLEAN),
    ),
)
