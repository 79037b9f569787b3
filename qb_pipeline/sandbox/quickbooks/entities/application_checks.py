"""What a payment's lines may be applied to.

Invariant: nothing is applied beyond what is open on a document, nor to somebody else's, and no payment is used twice.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import Applied, Applying, applied, open_on
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.rules.settling import open_item
from qb_pipeline.sandbox.quickbooks.references import LINK_TYPES, Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value


def linked_document(company: Company, how: Applying, line: JsonObject, position: int) -> tuple[str, JsonObject]:
    """The TxnType of the line's only link and the document behind it. 2020, 2500, 6000."""
    links = line.get("LinkedTxn") or []
    if "Amount" not in line:
        raise missing("Line.Amount")
    if len(links) != 1 or not links[0].get("TxnId") or not links[0].get("TxnType"):
        raise missing("Line.LinkedTxn")
    kind, identifier = str(links[0]["TxnType"]), str(links[0]["TxnId"])
    if kind not in how.applicable:
        raise not_modelled(f"applying a {how.entity} to a {kind} (line {position})")
    if decimal_of(line["Amount"]) < 0:
        raise business(f"The amount of line {position} must not be negative.", element="Line.Amount")
    document = company.store.get(LINK_TYPES.get(kind, kind), identifier)
    if document is None:
        raise Fault(2500, f"Invalid Reference Id : {kind} element id {identifier} not found", element="LinkedTxn")
    return kind, document


def check_applications(company: Company, how: Applying, obj: JsonObject, before: JsonObject | None) -> Decimal:
    """Check changed applications as if the stored version were not there; returns what is left. 620, 6000."""
    sums, old = applied(obj), applied(before)
    moved = ref_value(obj, how.party_key) != ref_value(before or {}, how.party_key)
    if sums != old or moved:
        check_documents(company, how, obj, sums, old)
    left = how.left(company, obj)
    if left < 0:
        raise business(f"The amount applied exceeds the amount of the payment by {-left}.", element="TotalAmt")
    if left > decimal_of(obj["TotalAmt"]):
        raise business("More credit is used than there are charges to use it for.", element="Line")
    return left


def check_documents(company: Company, how: Applying, obj: JsonObject, sums: Applied, old: Applied) -> None:
    """620 for somebody else's document, 6000 for more than is open."""
    payer = how.payer(obj)
    for target, amount in sums.items():
        if company.store.get(*target) is None:
            continue
        check_owner(company, payer, target)
        available = open_on(company, how, target, payer) + old.get(target, Decimal(0))
        if amount > available:
            raise business(
                f"{target[0]} {target[1]} has {available} open; {amount} cannot be applied to it.",
                element="Line.Amount",
            )


def check_owner(company: Company, payer: Reference, target: Reference) -> None:
    """A payment may settle documents of its own party, a customer's also those of the sub-customers below."""
    owner = open_item(company, target, payer).party
    above: str | None = owner[1] if owner[0] == payer[0] else None
    while above is not None and above != payer[1]:
        above = ref_value(company.store.get(*(payer[0], above)) or {}, "ParentRef")
    if above is None:
        raise Fault(
            620,
            f"{target[0]} {target[1]} belongs to {owner[0].lower()} {owner[1]} and cannot be linked to a payment of "
            f"{payer[1]}.",
        )
