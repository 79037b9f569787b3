"""The sample company's own bookkeeping: money it began with, transfers, corrections of stock, hours of the crew.

Invariant: the bank accounts begin with enough to cover everything the sample pays.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.entities import exchange_rate
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker

OPENED = -120
# Code -> US dollars for one unit; suites expect the Canadian dollar under id 1.
CURRENCIES = {"CAD": Decimal("0.73"), "EUR": Decimal("1.09")}
# Debits and credits by account id.
OPENING = ((35, 24_000), (36, 15_000), (38, 13_495), (43, -4_000), (44, -25_000), (34, -23_495))
DEPRECIATION = ((40, 225), (39, -225))
# Employee, customer, days from today, hours, minutes, billable, description.
HOURS = (
    ("Bea Lindqvist", "Hartwell Residence:Kitchen remodel", -34, 6, 30, True, "Took out the old cabinets"),
    ("Marco Ruiz", "Hartwell Residence:Kitchen remodel", -34, 6, 30, True, "Took out the old cabinets"),
    ("Sam Okafor", "Dunmore Elementary:Gym roof", -12, 3, 0, False, "Measured for the estimate"),
    ("Marco Ruiz", "Juniper Apartments:Building B", -5, 8, 0, True, "Hung windows"),
    ("Bea Lindqvist", "Alder Creek Winery:Tasting room", -2, 2, 15, True, "Bar top, first visit"),
)


def seed_currencies(maker: Maker) -> None:
    """The currencies the company keeps beside the dollar, though nobody is billed in them yet."""
    for code, rate in CURRENCIES.items():
        maker.make("CompanyCurrency", code, Code=code)
        exchange_rate.write(maker.company, {"SourceCurrencyCode": code, "Rate": rate, "AsOfDate": maker.day(OPENED)})


def seed_opening(maker: Maker) -> None:
    """What the company owned and owed when its books began."""
    journal(maker, "opening", OPENED, OPENING, "Opening balances")


def seed_books(maker: Maker) -> None:
    """The rest of the bookkeeping."""
    journal(maker, "depreciation", -30, DEPRECIATION, "Van, one quarter")
    for days, amount in ((-90, 2_500), (-27, 800)):
        accounts = {"FromAccountRef": {"value": "35"}, "ToAccountRef": {"value": "36"}}
        maker.make("Transfer", str(days), Amount=amount, TxnDate=maker.day(days), **accounts)
    maker.make(
        "CreditCardPaymentTxn",
        "mastercard",
        Amount=400,
        TxnDate=maker.day(-17),
        BankAccountRef={"value": "35"},
        CreditCardAccountRef={"value": "41"},
    )
    counted = {"ItemRef": maker.ref("Item", "Deck board"), "QtyDiff": -3}
    maker.make(
        "InventoryAdjustment",
        "split boards",
        AdjustAccountRef={"value": "92"},
        TxnDate=maker.day(-39),
        PrivateNote="Split boards thrown away",
        Line=[{"DetailType": "ItemAdjustmentLineDetail", "ItemAdjustmentLineDetail": counted}],
    )
    for position, (worker, customer, days, hours, minutes, billable, description) in enumerate(HOURS):
        maker.make(
            "TimeActivity",
            str(position),
            NameOf="Employee",
            EmployeeRef=maker.ref("Employee", worker),
            CustomerRef=maker.ref("Customer", customer),
            ItemRef=maker.ref("Item", "Hours"),
            TxnDate=maker.day(days),
            Hours=hours,
            Minutes=minutes,
            HourlyRate=60,
            BillableStatus="Billable" if billable else "NotBillable",
            Description=description,
        )


def journal(maker: Maker, name: str, days: int, amounts: tuple[tuple[int, int], ...], note: str) -> None:
    """A journal entry; positive amounts are debits."""
    lines: list[JsonObject] = [
        {
            "DetailType": "JournalEntryLineDetail",
            "Amount": abs(amount),
            "Description": note,
            "JournalEntryLineDetail": {
                "PostingType": "Debit" if amount > 0 else "Credit",
                "AccountRef": {"value": str(account)},
            },
        }
        for account, amount in amounts
    ]
    maker.make("JournalEntry", name, TxnDate=maker.day(days), PrivateNote=note, Line=lines)
