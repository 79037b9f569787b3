"""Price-book items: the products and services that invoice lines sell."""

from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy, Removal

ITEM = Entity(
    name="item",
    title="Item",
    plural="items",
    quickbooks_object="Item",
    match_by=MatchBy.NAME,
    removal=Removal.INACTIVATE,
    unique_by=("sku", "name"),
    fields=(
        Field("name", required=True, max_length=100),
        Field("sku", max_length=100),
        Field("description", max_length=4000),
        # QBO fixes an item's type at creation; service and labor are its Service, the rest are goods.
        Field("kind", required=True, create_only=True, title="service or goods"),
        Field("unit_price", Kind.NUMBER),
        Field("unit_cost", Kind.NUMBER),
        Field("income_account", Kind.REF, refers_to="account"),
        Field("expense_account", Kind.REF, refers_to="account"),
        Field("taxable", Kind.BOOLEAN),
        Field("active", Kind.BOOLEAN),
    ),
)
