"""Top-level customers.

Invariant: a sub-customer is never read or written as a customer, and an inactive customer keeps its name.
"""

from __future__ import annotations

from typing import ClassVar

from qb_pipeline.entities.customer import CUSTOMER
from qb_pipeline.entities.records import Decoded
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.base import FieldwiseCodec
from qb_pipeline.quickbooks.codecs.fields import Raw


def is_job(raw: Raw) -> bool:
    """Whether a QBO Customer is a sub-customer; the two marks come together, either one is enough."""
    return bool(raw.get("Job")) or fields.read_ref(raw, "ParentRef") is not None


class CustomerCodec(FieldwiseCodec):
    entity = CUSTOMER
    names_without_signs = ("name", "first_name", "last_name")
    writers: ClassVar = {
        "name": fields.write_text("DisplayName", "name"),
        "company_name": fields.write_text("CompanyName", "company_name"),
        "first_name": fields.write_text("GivenName", "first_name"),
        "last_name": fields.write_text("FamilyName", "last_name"),
        "email": fields.write_inside("PrimaryEmailAddr", "Address", "email"),
        "phone": fields.write_inside("PrimaryPhone", "FreeFormNumber", "phone"),
        **fields.address_writers("BillAddr", "billing"),
        "taxable": fields.write_value("Taxable", "taxable"),
        "tax_code": fields.write_ref("DefaultTaxCodeRef", "tax_code"),
        "terms": fields.write_ref("SalesTermRef", "terms"),
        "notes": fields.write_text("Notes", "notes"),
        "active": fields.write_value("Active", "active"),
    }

    @staticmethod
    def wants(raw: Raw) -> bool:
        return not is_job(raw)

    def decode(self, raw: Raw) -> Decoded:
        values = {
            "name": fields.read_name(raw, "DisplayName"),
            "company_name": fields.read_text(raw, "CompanyName"),
            "first_name": fields.read_text(raw, "GivenName"),
            "last_name": fields.read_text(raw, "FamilyName"),
            "email": fields.read_text(raw, "PrimaryEmailAddr", "Address"),
            "phone": fields.read_text(raw, "PrimaryPhone", "FreeFormNumber"),
            **fields.read_address(raw, "BillAddr", "billing"),
            "taxable": fields.read_flag(raw, "Taxable"),
            "tax_code": fields.read_ref(raw, "DefaultTaxCodeRef"),
            "terms": fields.read_ref(raw, "SalesTermRef"),
            "notes": fields.read_text(raw, "Notes"),
            "active": fields.is_active(raw),
        }
        return Decoded(values, skip="it is a job" if is_job(raw) else None)
