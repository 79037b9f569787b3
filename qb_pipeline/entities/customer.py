"""Customers. In QuickBooks a top-level Customer; its sub-customers are jobs."""

from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy, Removal, address

CUSTOMER = Entity(
    name="customer",
    title="Customer",
    plural="customers",
    quickbooks_object="Customer",
    match_by=MatchBy.PARTY,
    removal=Removal.INACTIVATE,
    unique_by=("name",),
    fields=(
        Field("name", title="display name", required=True, max_length=500),
        Field("company_name", max_length=100),
        Field("first_name", max_length=100),
        Field("last_name", max_length=100),
        Field("email", Kind.EMAIL, max_length=100),
        Field("phone", Kind.PHONE, max_length=30),
        *address("billing", "billing"),
        Field("taxable", Kind.BOOLEAN),
        Field("tax_code", Kind.REF, refers_to="tax_code"),  # out of it where QBO's automated sales tax sets the code
        Field("terms", Kind.REF, refers_to="term"),
        Field("notes", max_length=2000),
        Field("active", Kind.BOOLEAN),
    ),
)
