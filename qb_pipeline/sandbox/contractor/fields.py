"""Every collection of the reference API, declared as data.

Invariant: this is the only list of fields; validation, references, totals, loading and paths are derived from it.
Collections stand in dependency order: a record refers only to its own or an earlier collection.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["text", "boolean", "integer", "date", "money", "number", "ref", "enum", "address", "list", "instant"]


@dataclass(frozen=True)
class Field:
    """One field. `of` names the collection of a ref, `choices` the values of an enum, `fields` a list's entries."""

    name: str
    kind: Kind = "text"
    required: bool = False
    read_only: bool = False
    default: Any = None
    of: str | None = None
    choices: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()


@dataclass(frozen=True)
class Allocates:
    """A collection whose list `field` applies money to `target` records (named by `key`) of the same `party`."""

    field: str
    key: str
    target: str
    party: str


@dataclass(frozen=True)
class Collection:
    """One collection.

    `totals` says how its total comes about, `open_balance` whether that total is owed until settled.
    """

    name: str
    singular: str
    prefix: str
    fields: tuple[Field, ...]
    totals: Literal["sales", "purchase", "deposit", "amount"] | None = None
    open_balance: bool = False
    voidable: bool = False
    unique_number: bool = False
    allocates: Allocates | None = None

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((one for one in (*COMMON, *self.fields) if one.name == name), None)


ADDRESS_PARTS = ("line1", "line2", "city", "state", "postal_code", "country")

COMMON = (
    Field("id", read_only=True),
    Field("version", read_only=True),
    Field("created_at", "instant", read_only=True),
    Field("updated_at", "instant", read_only=True),
    Field("deleted_at", "instant", read_only=True),
)


def ref(name: str, of: str, *, required: bool = False) -> Field:
    """A reference by id."""
    return Field(name, "ref", of=of, required=required)


def enum(name: str, *choices: str, default: str | None = None) -> Field:
    """One of a closed set."""
    return Field(name, "enum", choices=choices, default=default)


def entries(name: str, *fields: Field) -> Field:
    """A list of objects."""
    return Field(name, "list", fields=fields, default=())


def computed(name: str) -> Field:
    """Money that the server works out."""
    return Field(name, "money", read_only=True)


NAME = Field("name", required=True)
CODE = Field("code")
ACTIVE = Field("active", "boolean", default=True)
MEMO = Field("memo")
NUMBER = Field("number")
STATUS = enum("status", "draft", "sent", "paid", "void", default="sent")
PAYMENT_STATUS = enum("status", "posted", "void", default="posted")

SALES_LINES = entries(
    "lines",
    Field("id"),
    ref("item_id", "items"),
    Field("description"),
    Field("quantity", "number"),
    Field("unit_price", "number"),
    Field("amount", "money"),
    Field("taxable", "boolean"),
    Field("phase_id"),
    ref("division_id", "divisions"),
)

PURCHASE_LINES = entries(
    "lines",
    Field("id"),
    ref("item_id", "items"),
    ref("account_id", "accounts"),
    Field("description"),
    Field("quantity", "number"),
    Field("unit_cost", "number"),
    Field("amount", "money"),
    ref("job_id", "jobs"),
    Field("phase_id"),
    Field("billable", "boolean", default=False),
)

SALES = (
    NUMBER,
    ref("customer_id", "customers", required=True),
    ref("job_id", "jobs"),
    Field("issue_date", "date", required=True),
    Field("due_date", "date"),
    ref("terms_id", "terms"),
    SALES_LINES,
    ref("tax_rate_id", "tax_rates"),
    computed("subtotal"),
    Field("tax", "money"),
    computed("total"),
    computed("balance"),
    STATUS,
    MEMO,
    enum("kind", "standard", "progress", "retainage", "final", default="standard"),
)

PURCHASE = (
    NUMBER,
    ref("vendor_id", "vendors", required=True),
    Field("date", "date", required=True),
    Field("due_date", "date"),
    PURCHASE_LINES,
    computed("total"),
    computed("balance"),
    STATUS,
    MEMO,
)


def applied_to(target: str, key: str, name: str = "allocations") -> Field:
    """Money applied to open documents."""
    return entries(name, ref(key, target, required=True), Field("amount", "money", required=True))


def with_status(fields: tuple[Field, ...], status: Field) -> tuple[Field, ...]:
    """The same fields with another set of statuses."""
    return tuple(status if one.name == "status" else one for one in fields)


DECLARED = (
    Collection("accounts", "account", "acc", (NAME, CODE, Field("kind"), ACTIVE)),
    Collection("tax_rates", "tax_rate", "tax", (NAME, CODE, Field("rate", "number", required=True), ACTIVE)),
    Collection(
        "terms",
        "term",
        "trm",
        (
            NAME,
            CODE,
            Field("due_days", "integer"),
            Field("discount_percent", "number"),
            Field("discount_days", "integer"),
            Field("due_day_of_month", "integer"),
            ACTIVE,
        ),
    ),
    Collection("payment_methods", "payment_method", "pmt", (NAME, CODE, Field("kind"), ACTIVE)),
    Collection("divisions", "division", "div", (NAME, CODE, ACTIVE)),
    Collection("locations", "location", "loc", (NAME, CODE, ACTIVE)),
    Collection(
        "customers",
        "customer",
        "cus",
        (
            NAME,
            Field("company_name"),
            Field("first_name"),
            Field("last_name"),
            Field("email"),
            Field("phone"),
            Field("billing_address", "address"),
            Field("taxable", "boolean", default=True),
            ref("tax_rate_id", "tax_rates"),
            ref("terms_id", "terms"),
            Field("notes"),
            ACTIVE,
        ),
    ),
    Collection(
        "vendors",
        "vendor",
        "ven",
        (
            NAME,
            Field("company_name"),
            Field("email"),
            Field("phone"),
            Field("address", "address"),
            enum("kind", "supplier", "subcontractor", default="supplier"),
            Field("is_1099", "boolean", default=False),
            ref("terms_id", "terms"),
            ACTIVE,
        ),
    ),
    Collection(
        "employees",
        "employee",
        "emp",
        (
            Field("first_name"),
            Field("last_name", required=True),
            Field("email"),
            Field("phone"),
            enum("kind", "employee", "contractor_1099", default="employee"),
            Field("role"),
            ACTIVE,
        ),
    ),
    Collection(
        "jobs",
        "job",
        "job",
        (
            NUMBER,
            Field("name"),
            ref("customer_id", "customers", required=True),
            Field("status"),
            Field("address", "address"),
            ref("division_id", "divisions"),
            entries("phases", Field("id"), CODE, Field("name", required=True)),
            Field("contract_amount", "money"),
            Field("retainage_percent", "number"),
            ACTIVE,
        ),
    ),
    Collection(
        "items",
        "item",
        "itm",
        (
            NAME,
            Field("sku"),
            Field("description"),
            enum("kind", "service", "material", "equipment", "labor", default="service"),
            Field("unit_price", "number"),
            Field("unit_cost", "number"),
            ref("income_account_id", "accounts"),
            ref("expense_account_id", "accounts"),
            Field("taxable", "boolean", default=True),
            ACTIVE,
        ),
    ),
    Collection(
        "estimates",
        "estimate",
        "est",
        with_status(SALES, enum("status", "draft", "sent", "approved", "rejected", "void", default="sent")),
        totals="sales",
        voidable=True,
    ),
    Collection(
        "invoices",
        "invoice",
        "inv",
        SALES,
        totals="sales",
        open_balance=True,
        voidable=True,
        unique_number=True,
    ),
    Collection(
        "credit_memos",
        "credit_memo",
        "crm",
        (*SALES, applied_to("invoices", "invoice_id", "applied_to")),
        totals="sales",
        open_balance=True,
        voidable=True,
        allocates=Allocates("applied_to", "invoice_id", "invoices", "customer_id"),
    ),
    # A refund's applied_to only says which invoices it pays back; the money left by method and account.
    Collection(
        "refunds",
        "refund",
        "ref",
        (
            *SALES,
            applied_to("invoices", "invoice_id", "applied_to"),
            ref("method_id", "payment_methods"),
            ref("account_id", "accounts"),
        ),
        totals="sales",
        voidable=True,
    ),
    Collection(
        "payments",
        "payment",
        "pay",
        (
            ref("customer_id", "customers", required=True),
            Field("date", "date", required=True),
            Field("amount", "money", required=True),
            ref("method_id", "payment_methods"),
            Field("reference"),
            applied_to("invoices", "invoice_id"),
            Field("fee", "money"),
            Field("deposit_id", read_only=True),
            PAYMENT_STATUS,
            MEMO,
        ),
        totals="amount",
        voidable=True,
        allocates=Allocates("allocations", "invoice_id", "invoices", "customer_id"),
    ),
    Collection(
        "deposits",
        "deposit",
        "dep",
        (
            Field("date", "date", required=True),
            ref("account_id", "accounts", required=True),
            entries(
                "lines",
                Field("id"),
                ref("payment_id", "payments"),
                ref("account_id", "accounts"),
                Field("amount", "money", required=True),
                MEMO,
            ),
            computed("total"),
            MEMO,
        ),
        totals="deposit",
    ),
    Collection(
        "purchase_orders",
        "purchase_order",
        "po",
        with_status(PURCHASE, enum("status", "draft", "sent", "closed", "void", default="sent")),
        totals="purchase",
        voidable=True,
    ),
    Collection("bills", "bill", "bil", PURCHASE, totals="purchase", open_balance=True, voidable=True),
    Collection("vendor_credits", "vendor_credit", "vcr", PURCHASE, totals="purchase", open_balance=True, voidable=True),
    Collection(
        "bill_payments",
        "bill_payment",
        "bpy",
        (
            ref("vendor_id", "vendors", required=True),
            Field("date", "date", required=True),
            Field("amount", "money", required=True),
            ref("account_id", "accounts"),
            Field("reference"),
            applied_to("bills", "bill_id"),
            PAYMENT_STATUS,
            MEMO,
        ),
        totals="amount",
        voidable=True,
        allocates=Allocates("allocations", "bill_id", "bills", "vendor_id"),
    ),
)

COLLECTIONS = {one.name: one for one in DECLARED}


def stored_field(field: Field) -> Field:
    """The field as a data file may give it, where the server's own fields are known already."""
    return replace(field, read_only=False)
