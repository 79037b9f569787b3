"""The money the sample company received: payments, and the deposits that took them to the bank.

Invariant: what a payment applies never exceeds what its documents owe, and a deposited payment is deposited whole.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker

# Name, customer, days from today, payment method, reference, what is paid: invoice -> share of its balance in percent,
# and what is paid beyond that.
PAYMENTS: tuple[tuple[str, str, int, str, str, dict[str, int], int], ...] = (
    ("winery 1", "Alder Creek Winery:Barrel hall", -62, "2", "2207", {"racks 1": 100}, 0),
    ("kestrel", "Kestrel Cycles", -58, "3", "", {"hinges": 50}, 0),
    ("deck", "Hartwell Residence:Deck", -55, "2", "811", {"deck": 100}, 0),
    ("school", "Dunmore Elementary:Library shelving", -32, "6", "ACH 5521", {"shelving": 100}, 0),
    ("dental", "Brightwater Dental", -30, "2", "1034", {"wiring": 40}, 0),
    ("juniper", "Juniper Apartments:Building A", -20, "6", "ACH 6007", {"windows A": 100}, 0),
    ("pottery", "Ito Pottery Studio", -12, "3", "", {"kiln room": 60}, 0),
    ("restaurant", "Fennel & Fig Kitchen", -7, "2", "3390", {"heaters": 100}, 0),
    ("orchard advance", "Grady Orchard", -6, "1", "", {"packing shed": 25}, 200),
)
# Days from today, payments that went to the bank together.
DEPOSITS = ((-54, ("winery 1", "kestrel", "deck")), (-18, ("school", "dental", "juniper")))


def seed_receipts(maker: Maker) -> None:
    """Payments, one credit applied, and two trips to the bank."""
    for name, customer, days, method, reference, paid, beyond in PAYMENTS:
        applied = {invoice: share_of(maker, invoice, percent) for invoice, percent in paid.items()}
        maker.make(
            "Payment",
            name,
            CustomerRef=maker.ref("Customer", customer),
            TxnDate=maker.day(days),
            PaymentMethodRef={"value": method},
            PaymentRefNum=reference or None,
            TotalAmt=number(sum(applied.values(), Decimal(beyond))),
            Line=[application(maker, "Invoice", invoice, amount) for invoice, amount in applied.items()],
        )
    apply_credit(maker)
    for days, payments in DEPOSITS:
        seed_deposit(maker, days, payments)


def share_of(maker: Maker, invoice: str, percent: int) -> Decimal:
    """A part of what an invoice still owes, in whole cents."""
    owed = decimal_of(maker.stored("Invoice", invoice)["Balance"])
    return (owed * percent / 100).quantize(Decimal("0.01"))


def application(maker: Maker, entity: str, name: str, amount: Decimal) -> JsonObject:
    """A payment line."""
    return {"Amount": number(amount), "LinkedTxn": [maker.link(entity, name)]}


def apply_credit(maker: Maker) -> None:
    """The returned lock reduces what the same customer owes: a payment of nothing with two lines."""
    amount = decimal_of(maker.stored("CreditMemo", "lock returned")["RemainingCredit"])
    lines = [
        application(maker, "Invoice", "hinges", amount),
        application(maker, "CreditMemo", "lock returned", amount),
    ]
    customer = maker.ref("Customer", "Kestrel Cycles")
    maker.make("Payment", "credit applied", CustomerRef=customer, TxnDate=maker.day(-57), TotalAmt=0, Line=lines)


def seed_deposit(maker: Maker, days: int, payments: tuple[str, ...]) -> None:
    """Payments out of undeposited funds into Checking."""
    lines = [
        {
            "Amount": maker.stored("Payment", name)["TotalAmt"],
            "LinkedTxn": [{**maker.link("Payment", name), "TxnLineId": "0"}],
        }
        for name in payments
    ]
    maker.make("Deposit", payments[0], TxnDate=maker.day(days), DepositToAccountRef={"value": "35"}, Line=lines)
