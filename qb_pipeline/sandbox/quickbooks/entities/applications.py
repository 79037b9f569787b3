"""How payments and credits are applied to documents, in both directions, for customers and for vendors.

Invariant: for every invoice, bill, credit memo and vendor credit, TotalAmt - Balance = the sum of the payment lines
that link to it; for a journal entry, deposit or purchase the ledger says the same of its open item.

    RECEIVED, PAID                         what a Payment and a BillPayment can be applied to
    applied(payment)                       {("Invoice", "130"): Decimal, ("CreditMemo", "140"): Decimal}, never signed
    RECEIVED.carry(company, before, after) an Entity.effect: moves the documents' balances by the difference
    free_applications(company, "Bill", "9") takes a vanished document out of its payments
    refit(company, "JournalEntry", before, after) the same for an open item raised by lines, where it no longer fits
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.transaction import with_links
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import settled
from qb_pipeline.sandbox.quickbooks.ledger.rules.settling import RAISED_BY_LINES, open_item, raised
from qb_pipeline.sandbox.quickbooks.ledger.settle import settle
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE, ref_value

Applied = dict[Reference, Decimal]


@dataclass(frozen=True)
class Shown:
    """What a document shows of being settled: the keys of its open amount, and whether it lists the payments."""

    balances: tuple[str, ...]
    linked: bool
    # Whether an empty list of links is shown (invoices) or left out.
    empty_list: bool = False


# Documents missing here (journal entries, deposits, purchases) show nothing; the ledger alone knows what is open.
SHOWN = {
    "Invoice": Shown(("Balance",), linked=True, empty_list=True),
    "CreditMemo": Shown(("Balance", "RemainingCredit"), linked=False),
    "Bill": Shown(("Balance",), linked=True),
    "VendorCredit": Shown(("Balance",), linked=True),
}


@dataclass(frozen=True)
class Applying:
    """One kind of payment."""

    entity: str
    # Key and kind of whose payment it is.
    party_key: str
    party: str
    # What a debit (1) or credit (-1) on the control account settles as a charge.
    charge_sign: int
    # TxnType of what its lines may link to.
    applicable: tuple[str, ...]
    # How a document's LinkedTxn spells it.
    back_link: str
    # What is left of it, where it shows that.
    left_key: str | None = None

    def payer(self, payment: JsonObject) -> Reference:
        """Whose payment it is."""
        return self.party, ref_value(payment, self.party_key) or ""

    def is_charge(self, company: Company, document: Reference, payer: Reference) -> bool:
        """Whether the payment pays the document; otherwise it uses it up."""
        return open_item(company, document, payer).sign == self.charge_sign

    def left(self, company: Company, payment: JsonObject) -> Decimal:
        """What is left of a payment: its total, less the charges, plus the credits."""
        payer, rest = self.payer(payment), decimal_of(payment.get("TotalAmt"))
        for document, amount in applied(payment).items():
            rest += -amount if self.is_charge(company, document, payer) else amount
        return rest

    def carry(self, company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
        """Move balances and links of every document whose applied amount changes; each gets the next SyncToken."""
        old, new = applied(before), applied(after)
        payment = str((after or before or {})["Id"])
        for target in sorted({*old, *new}):
            change = new.get(target, Decimal(0)) - old.get(target, Decimal(0))
            document = company.store.get(*target) if target[0] in SHOWN else None
            if document is not None and (change or (target in old) != (target in new)):
                link = {"TxnId": payment, "TxnType": self.back_link}
                apply_to(company, target[0], document, link, change, linked=target in new)


# What may turn out a charge or a credit is told by the side on which its line stands.
RECEIVED = Applying(
    "Payment", "CustomerRef", "Customer", -1,
    ("Invoice", "CreditMemo", "JournalEntry", "Deposit", "Expense", "Check", "CreditCardCredit"),
    "Payment", "UnappliedAmt",
)  # fmt: skip
# Recorded: a bill paid by credit card names its payment BillPaymentCheck too.
PAID = Applying(
    "BillPayment", "VendorRef", "Vendor", 1,
    ("Bill", "VendorCredit", "JournalEntry", "Deposit"),
    "BillPaymentCheck",
)  # fmt: skip
KINDS = (RECEIVED, PAID)


def applied(payment: JsonObject | None) -> Applied:
    """What a payment applies to each document, as written on its lines."""
    sums: defaultdict[Reference, Decimal] = defaultdict(Decimal)
    for document, amount in settled(payment or {}):
        sums[document] += amount
    return dict(sums)


def apply_to(
    company: Company, entity: str, document: JsonObject, link: JsonObject, change: Decimal, *, linked: bool
) -> None:
    """Lower the open balance by `change` and keep the link list right."""
    after, shown = dict(document), SHOWN[entity]
    balance = number(decimal_of(document.get("Balance")) - change)
    after.update(dict.fromkeys(shown.balances, balance))
    if shown.linked:
        others = [other for other in document.get("LinkedTxn") or [] if other.get("TxnId") != link["TxnId"]]
        links = [*others, link] if linked else others
        after = {**after, "LinkedTxn": links} if shown.empty_list else with_links(after, links)
    company.save(entity, after, document, tuple(after), "Update")


def free_applications(company: Company, entity: str, identifier: str) -> None:
    """Remove a deleted or voided document from every payment that names it."""
    for how in KINDS:
        for _, payment_id in company.store.referrers((entity, identifier), how.entity):
            payment = company.store.get(how.entity, payment_id)
            if payment is not None:
                release(company, how, payment, (entity, identifier))


def refit(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Free the applications of an open item raised by lines when it is gone, moved, or too small for them now."""
    if before is None or entity not in RAISED_BY_LINES:
        return
    document: Reference = (entity, str(before["Id"]))
    moved = after is None or sides(company, document, before) != sides(company, document, after)
    for how in KINDS:
        for _, payment_id in company.store.referrers(document, how.entity):
            payment = company.store.get(how.entity, payment_id)
            if payment is not None and (moved or overdrawn(company, how, payment, document)):
                release(company, how, payment, document)


def sides(company: Company, document: Reference, obj: JsonObject) -> dict[tuple[str, Reference], bool]:
    """Where a version of a transaction raises open items, and on which side."""
    return {key: amount > 0 for key, amount in raised(company, document, obj).items()}


def overdrawn(company: Company, how: Applying, payment: JsonObject, document: Reference) -> bool:
    """Whether more is applied to the item, as it stands now, than it holds."""
    return open_on(company, how, document, how.payer(payment)) < 0


def open_on(company: Company, how: Applying, document: Reference, payer: Reference) -> Decimal:
    """What is open on a document, as an amount to apply."""
    if document[0] in SHOWN:
        return decimal_of((company.store.get(*document) or {}).get("Balance"))
    item = open_item(company, document, payer)
    if item.party[0] != how.party:
        return Decimal(0)
    return -item.sign * open_in_ledger(company, document, item.party)


def open_in_ledger(company: Company, document: Reference, party: Reference) -> Decimal:
    """Debits less credits of one party's open item, in the document's currency."""
    (total,) = company.store.conn.execute(
        "SELECT coalesce(sum(coalesce(foreign_amount, amount)), 0) FROM postings"
        " WHERE c = ? AND doc = ? AND doc_id = ? AND party = ? AND party_id = ?",
        (company.store.company, *document, *party),
    ).fetchone()
    return Decimal(total) / SCALE


def release(company: Company, how: Applying, payment: JsonObject, gone: Reference) -> None:
    """One payment without its lines for `gone`; what it can no longer cover is taken back elsewhere."""
    rest = {**payment, "Line": [line for line in payment.get("Line") or [] if gone not in applied({"Line": [line]})]}
    after = {**rest, "Line": trimmed(company, how, rest)}
    if how.left_key is not None:
        after[how.left_key] = number(how.left(company, after))
    stored = company.save(how.entity, after, payment, tuple(payment), "Update")
    settle(company, how.entity, payment, stored)
    how.carry(company, rest, stored)


def trimmed(company: Company, how: Applying, payment: JsonObject) -> list[JsonObject]:
    """Lower the last charges (or credits) until what is left lies between nothing and the payment's total."""
    total, left, payer = decimal_of(payment.get("TotalAmt")), how.left(company, payment), how.payer(payment)
    surplus, charges = (-left, True) if left < 0 else (left - total, False)
    result: list[JsonObject] = []
    for line in reversed(payment["Line"]):
        documents = applied({"Line": [line]})
        takes = surplus > 0 and any(how.is_charge(company, one, payer) == charges for one in documents)
        cut = min(surplus, decimal_of(line.get("Amount"))) if takes else Decimal(0)
        surplus -= cut
        rest = decimal_of(line.get("Amount")) - cut
        if rest > 0 or not cut:
            result.append({**line, "Amount": number(rest)} if cut else line)
    return result[::-1]
