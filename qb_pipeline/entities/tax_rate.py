"""Sales tax rates of QBO: observed only, because contractor software knows the tax code they add up to."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

TAX_RATE = Entity(
    name="tax_rate",
    title="Tax rate",
    plural="tax_rates",
    quickbooks_object="TaxRate",
    direction=Direction.NONE,
    match_by=MatchBy.NAME,
    removal=Removal.NEVER,
    unique_by=("name",),
    in_cdc=False,
    fields=(
        Field("name", required=True, direction=Direction.NONE),
        Field("percent", Kind.NUMBER, direction=Direction.NONE),
        Field("active", Kind.BOOLEAN, direction=Direction.NONE),
    ),
)
