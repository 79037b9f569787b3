"""All entities the sandbox knows, by name and by address.

Invariant: an entity is either modelled (ENTITIES) or kept as loaded and readable (STORED); anything else is refused.
"""

from collections.abc import Collection

from qb_pipeline.sandbox.quickbooks.entities.account import ACCOUNT
from qb_pipeline.sandbox.quickbooks.entities.attachable import ATTACHABLE
from qb_pipeline.sandbox.quickbooks.entities.bill import BILL
from qb_pipeline.sandbox.quickbooks.entities.bill_payment import BILL_PAYMENT
from qb_pipeline.sandbox.quickbooks.entities.budget import BUDGET
from qb_pipeline.sandbox.quickbooks.entities.company_currency import COMPANY_CURRENCY
from qb_pipeline.sandbox.quickbooks.entities.company_info import COMPANY_INFO
from qb_pipeline.sandbox.quickbooks.entities.credit_card_payment import CREDIT_CARD_PAYMENT
from qb_pipeline.sandbox.quickbooks.entities.credit_memo import CREDIT_MEMO
from qb_pipeline.sandbox.quickbooks.entities.customer import CUSTOMER
from qb_pipeline.sandbox.quickbooks.entities.deposit import DEPOSIT
from qb_pipeline.sandbox.quickbooks.entities.employee import EMPLOYEE
from qb_pipeline.sandbox.quickbooks.entities.estimate import ESTIMATE
from qb_pipeline.sandbox.quickbooks.entities.exchange_rate import EXCHANGE_RATE
from qb_pipeline.sandbox.quickbooks.entities.inventory_adjustment import INVENTORY_ADJUSTMENT
from qb_pipeline.sandbox.quickbooks.entities.invoice import INVOICE
from qb_pipeline.sandbox.quickbooks.entities.item import ITEM
from qb_pipeline.sandbox.quickbooks.entities.journal_entry import JOURNAL_ENTRY
from qb_pipeline.sandbox.quickbooks.entities.lists import CLASS, DEPARTMENT, PAYMENT_METHOD, TERM
from qb_pipeline.sandbox.quickbooks.entities.payment import PAYMENT
from qb_pipeline.sandbox.quickbooks.entities.preferences import PREFERENCES
from qb_pipeline.sandbox.quickbooks.entities.purchase import PURCHASE
from qb_pipeline.sandbox.quickbooks.entities.purchase_order import PURCHASE_ORDER
from qb_pipeline.sandbox.quickbooks.entities.recurring_transaction import recurring
from qb_pipeline.sandbox.quickbooks.entities.refund_receipt import REFUND_RECEIPT
from qb_pipeline.sandbox.quickbooks.entities.reimburse_charge import REIMBURSE_CHARGE
from qb_pipeline.sandbox.quickbooks.entities.sales_receipt import SALES_RECEIPT
from qb_pipeline.sandbox.quickbooks.entities.tax_agency import TAX_AGENCY
from qb_pipeline.sandbox.quickbooks.entities.tax_code import READ_ONLY
from qb_pipeline.sandbox.quickbooks.entities.time_activity import TIME_ACTIVITY
from qb_pipeline.sandbox.quickbooks.entities.transfer import TRANSFER
from qb_pipeline.sandbox.quickbooks.entities.vendor import VENDOR
from qb_pipeline.sandbox.quickbooks.entities.vendor_credit import VENDOR_CREDIT
from qb_pipeline.sandbox.quickbooks.entity import Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, not_modelled

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        CUSTOMER, VENDOR, EMPLOYEE, ITEM, ACCOUNT, CLASS, DEPARTMENT, TERM, PAYMENT_METHOD, INVOICE, PAYMENT,
        CREDIT_MEMO, DEPOSIT, PREFERENCES,
        ATTACHABLE, COMPANY_INFO,
        JOURNAL_ENTRY, TRANSFER, INVENTORY_ADJUSTMENT, TAX_AGENCY, BUDGET, *READ_ONLY,
        COMPANY_CURRENCY, EXCHANGE_RATE,
        SALES_RECEIPT, REFUND_RECEIPT, ESTIMATE,
        BILL, VENDOR_CREDIT, BILL_PAYMENT, PURCHASE, CREDIT_CARD_PAYMENT, PURCHASE_ORDER, TIME_ACTIVITY,
        REIMBURSE_CHARGE,
    )
}  # fmt: skip
ENTITIES["RecurringTransaction"] = recurring(ENTITIES)
# What --data may hold beside ENTITIES.
LOADABLE = (
    "Attachable", "Bill", "BillPayment", "Budget", "CompanyCurrency", "CompanyInfo", "CreditCardPaymentTxn",
    "CustomerType", "Estimate", "InventoryAdjustment", "JournalCode", "JournalEntry", "Purchase", "PurchaseOrder",
    "RefundReceipt", "ReimburseCharge", "SalesReceipt", "TaxAgency", "TaxCode", "TaxPayment", "TaxRate",
    "TimeActivity", "Transfer", "VendorCredit",
)  # fmt: skip
# Loaded, read, queried and listed by CDC as they are; writing them is not modelled.
STORED = tuple(name for name in LOADABLE if name not in ENTITIES)
TRANSACTIONS = frozenset(
    {
        "Invoice", "Payment", "CreditMemo", "Deposit", "Bill", "BillPayment", "CreditCardPaymentTxn", "Estimate",
        "InventoryAdjustment", "JournalEntry", "Purchase", "PurchaseOrder", "RefundReceipt", "ReimburseCharge",
        "SalesReceipt", "TaxPayment", "Transfer", "VendorCredit", "StatementCharge",
    }
)  # fmt: skip
WITHOUT_CDC = ("TimeActivity", "TaxAgency", "TaxCode", "TaxRate", "JournalCode", "RecurringTransaction", "ExchangeRate")
BY_ADDRESS = {name.lower(): name for name in (*ENTITIES, *STORED)} | {"creditcardpayment": "CreditCardPaymentTxn"}


def name_of(address: str) -> str | None:
    """The entity behind an address segment or a name in a query, in any case."""
    return BY_ADDRESS.get(address.lower())


def known_name(address: str) -> str:
    """As `name_of`; 2000 for a name nobody knows."""
    name = name_of(address)
    if name is None:
        raise Fault(2000, f"Unsupported object name: {address}. The sandbox does not know this entity.")
    return name


def writable(address: str) -> Entity:
    """The entity to write. 500 where the sandbox only keeps what was loaded."""
    name = known_name(address)
    if name not in ENTITIES:
        raise not_modelled(f"writing {name}")
    return ENTITIES[name]


def for_query(name: str) -> tuple[str, Collection[str]] | None:
    """What the query language needs: the entity and its property names."""
    entity = name_of(name)
    if entity is None:
        return None
    return entity, ENTITIES[entity].properties if entity in ENTITIES else ()


def sequence_of(entity: str) -> str:
    """Which id sequence an entity draws from; all transactions share one."""
    if entity in ENTITIES:
        return ENTITIES[entity].sequence
    return "transactions" if entity in TRANSACTIONS else entity
