"""Price-book items.

Invariant: an item is created only with the accounts its price and its cost need, so no figure is dropped on the way.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from qb_pipeline.entities.item import ITEM
from qb_pipeline.entities.records import Decoded, Values
from qb_pipeline.quickbooks.codecs import fields, limits, situations
from qb_pipeline.quickbooks.codecs.base import FieldwiseCodec
from qb_pipeline.quickbooks.codecs.fields import Body, Raw

_KIND_OF_TYPE = {"Service": "service", "NonInventory": "goods", "Inventory": "goods"}
# New goods are not stock: QBO would ask for quantities, a start date and an asset account that nobody here knows.
_TYPE_OF_KIND = {"service": "Service", "goods": "NonInventory"}
_NOT_SOLD_ALONE = {
    "Group": "it is a bundle; its parts are synchronised as items of their own",
    "Category": "it is a category of items",
}


def _write_price(key: str, field: str) -> fields.Writer:
    """QBO knows no item without a price: an emptied one is zero."""
    return lambda values: {key: values.get(field) or Decimal(0)}


class ItemCodec(FieldwiseCodec):
    entity = ITEM
    names_without_signs = ("name",)
    writers: ClassVar = {
        "name": fields.write_text("Name", "name"),
        "sku": fields.write_text("Sku", "sku"),
        "description": fields.write_text("Description", "description"),
        "unit_price": _write_price("UnitPrice", "unit_price"),
        "unit_cost": _write_price("PurchaseCost", "unit_cost"),
        "income_account": fields.write_ref("IncomeAccountRef", "income_account"),
        "expense_account": fields.write_ref("ExpenseAccountRef", "expense_account"),
        "taxable": fields.write_value("Taxable", "taxable"),
        "active": fields.write_value("Active", "active"),
    }

    def decode(self, raw: Raw) -> Decoded:
        kind = _KIND_OF_TYPE.get(str(raw.get("Type")))
        values = {
            "name": fields.read_name(raw, "Name"),
            "sku": fields.read_text(raw, "Sku"),
            "description": fields.read_text(raw, "Description"),
            "kind": kind,
            "unit_price": fields.read_number(raw, "UnitPrice"),
            "unit_cost": fields.read_number(raw, "PurchaseCost"),
            "income_account": fields.read_ref(raw, "IncomeAccountRef"),
            "expense_account": fields.read_ref(raw, "ExpenseAccountRef"),
            "taxable": fields.read_flag(raw, "Taxable"),
            "active": fields.is_active(raw),
        }
        return Decoded(values, skip=None if kind else _why_left_out(raw))

    def encode_create(self, values: Values) -> Body:
        complete = {**values, **self._accounts(values)}
        known = frozenset(name for name, value in complete.items() if value is not None)
        # A cost nobody gave is not sent as zero: it would ask for an expense account.
        body = super().encode_create(complete)
        for key, field in (("UnitPrice", "unit_price"), ("PurchaseCost", "unit_cost")):
            if field not in known:
                del body[key]
        return {**body, "Type": self._type(values)}

    def encode_update(self, values: Values, changed: frozenset[str], current: Raw) -> Body:
        if "kind" in changed:
            raise limits.refuse(situations.TYPE_IS_FIXED, self.entity, values, "kind")
        if "income_account" in changed and values.get("income_account") is None:
            raise self._no_account(values, "income_account", "its sales")
        if "unit_cost" in changed and values.get("unit_cost") and not fields.read_ref(current, "ExpenseAccountRef"):
            values = {**values, "expense_account": self._expense_account(values)}
            changed |= {"expense_account"}
        return super().encode_update(values, changed, current)

    def _type(self, values: Values) -> str:
        found = _TYPE_OF_KIND.get(str(values.get("kind")))
        if found is None:
            raise limits.refuse(situations.UNKNOWN_KIND, self.entity, values, "kind", kind=values.get("kind"))
        return found

    def _accounts(self, values: Values) -> dict[str, str]:
        """The accounts a new item must name, its own before the company's defaults."""
        is_service = self._type(values) == "Service"
        default = self.facts.default_income_account if is_service else self.facts.default_goods_income_account
        income = values.get("income_account") or default
        if income is None:
            raise self._no_account(values, "income_account", "its sales")
        accounts = {"income_account": str(income)}
        if values.get("unit_cost"):
            accounts["expense_account"] = self._expense_account(values)
        return accounts

    def _expense_account(self, values: Values) -> str:
        account = values.get("expense_account") or self.facts.default_expense_account
        if account is None:
            raise self._no_account(values, "expense_account", "its cost")
        return str(account)

    def _no_account(self, values: Values, field: str, purpose: str) -> Exception:
        label = self.entity[field].label
        return limits.refuse(situations.NO_ACCOUNT, self.entity, values, field, label=label, purpose=purpose)


def _why_left_out(raw: Raw) -> str:
    kind = str(raw.get("Type"))
    return _NOT_SOLD_ALONE.get(kind, f"items of the type {kind} are not synchronised")
