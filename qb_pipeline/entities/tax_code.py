"""Sales tax codes: kept in QuickBooks; a contractor's tax rate is a QBO tax code with the sum of its rates."""

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, MatchBy, Removal

TAX_CODE = Entity(
    name="tax_code",
    title="Tax code",
    plural="tax_codes",
    quickbooks_object="TaxCode",
    direction=Direction.TO_CONTRACTOR,
    match_by=MatchBy.NAME,
    removal=Removal.NEVER,
    unique_by=("name",),
    in_cdc=False,
    depends_on=("tax_rate",),
    fields=(
        Field("name", required=True),
        Field("percent", Kind.NUMBER, title="sum of its rates, percent"),
        Field("active", Kind.BOOLEAN),
    ),
)
