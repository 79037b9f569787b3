"""Billing: an invoice takes in estimates, hours and billable costs.

Invariant: hours and costs stand on at most one invoice and say so (HasBeenBilled) exactly as long as they do; an
estimate is Closed exactly as long as its invoices bill it whole, unless a person closed it.

    complete_billing(company, draft)    the links an invoice may have, of its head and of its lines together
    bill(company, before, after)        what it does to the estimates, hours and costs linked, or no longer linked
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.transaction import with_links
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.references import LINK_TYPES, Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

BILLED = ("Estimate", "TimeActivity", "ReimburseCharge")
COSTS = ("Bill", "Purchase", "VendorCredit")


def source_of(link: JsonObject) -> Reference:
    """What a link names, in the entity's own name."""
    kind = str(link.get("TxnType"))
    return LINK_TYPES.get(kind, kind), str(link.get("TxnId"))


def billed_by(obj: JsonObject | None) -> set[Reference]:
    """The estimates, hours and costs an invoice bills."""
    return {source for source in map(source_of, (obj or {}).get("LinkedTxn") or []) if source[0] in BILLED}


def line_links(lines: list[JsonObject]) -> list[JsonObject]:
    """The billing links of lines, each once, in their order."""
    found = {source_of(link): link for line in lines for link in line.get("LinkedTxn") or []}
    return [{"TxnId": identifier, "TxnType": kind} for kind, identifier in found if kind in BILLED]


def complete_billing(company: Company, draft: Draft) -> None:
    """Put the links in order: what is billed, then what only the server links. 2500, 620."""
    stored = (draft.before or {}).get("LinkedTxn") or []
    of_lines = line_links(draft.obj.get("Line") or [])
    earlier = {source_of(link) for link in line_links((draft.before or {}).get("Line") or [])}
    if "LinkedTxn" in draft.sent:
        head = draft.sent["LinkedTxn"] or []
    else:
        # What a line brought in leaves with the line; what the head named stays.
        head = [link for link in stored if source_of(link) not in earlier]
    servers = [link for link in stored if source_of(link)[0] not in BILLED]
    wanted = {source_of(link): None for link in [*head, *of_lines] if link not in servers}
    for source in wanted:
        if source not in billed_by(draft.before):
            check_billable(company, source, draft.obj)
    billing = [{"TxnId": identifier, "TxnType": kind} for kind, identifier in wanted]
    draft.obj["LinkedTxn"] = [*billing, *servers]


def check_billable(company: Company, source: Reference, obj: JsonObject) -> None:
    """Whether an invoice may take the source in. 2500 when it does not exist, 620 when it may not."""
    kind, identifier = source
    found = company.store.get(kind, identifier) if kind in BILLED else None
    if kind not in BILLED:
        raise refusal(source, f"an invoice bills {', '.join(BILLED)}")
    if found is None:
        raise Fault(2500, f"Invalid Reference Id : {kind} element id {identifier} not found", element="LinkedTxn")
    customer, owner = ref_value(obj, "CustomerRef"), ref_value(found, "CustomerRef")
    if customer is not None and customer not in payers_of(company, owner):
        raise refusal(source, f"it belongs to customer {owner}, not to {customer}")
    if reason := why_not_billable(source, found):
        raise refusal(source, reason)


def refusal(source: Reference, reason: str) -> Fault:
    """620 with the reason."""
    return Fault(620, f"{source[0]} {source[1]} cannot be linked to this invoice: {reason}.", element="LinkedTxn")


def payers_of(company: Company, customer: str | None) -> list[str]:
    """The customer and, where it is billed with its parent, those above."""
    found: list[str] = []
    while customer is not None:
        found.append(customer)
        record = company.store.get("Customer", customer) or {}
        customer = ref_value(record, "ParentRef") if record.get("BillWithParent") else None
    return found


def why_not_billable(source: Reference, found: JsonObject) -> str | None:
    """What stands against billing it; None when nothing does."""
    status = found.get("TxnStatus") if source[0] == "Estimate" else found.get("BillableStatus")
    if source[0] == "Estimate":
        return f"it is {status}" if status in ("Closed", "Converted", "Rejected") else None
    if source[0] == "TimeActivity":
        return None if status == "Billable" else f"its BillableStatus is {status}"
    return "it has been invoiced" if found.get("HasBeenInvoiced") else None


def bill(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """Mark what is billed now, free what is billed no longer, and see how far each estimate got."""
    old, new = billed_by(before), billed_by(after)
    invoice = str((after or before or {})["Id"])
    for source in sorted(old | new):
        found = company.store.get(*source)
        if found is None or (source in old and source in new and source[0] != "Estimate"):
            continue
        changed = marked(company, source[0], found, invoice, source in new)
        if changed != found:
            company.touch(source[0], changed, found)
        if source[0] == "ReimburseCharge":
            mark_costs(company, source, billed=source in new)


def marked(company: Company, kind: str, found: JsonObject, invoice: str, billed: bool) -> JsonObject:
    """The source as it looks on, or off, the invoice."""
    if kind == "TimeActivity":
        return {**found, "BillableStatus": "HasBeenBilled" if billed else "Billable"}
    link = {"TxnId": invoice, "TxnType": "Invoice"}
    others = [one for one in found.get("LinkedTxn") or [] if source_of(one) != ("Invoice", invoice)]
    changed = with_links(found, [*others, link] if billed else others)
    if kind == "Estimate":
        return {**changed, "TxnStatus": status_of_estimate(company, found, changed)}
    lines = [with_links(line, [link] if billed else []) for line in found.get("Line") or []]
    return {**changed, "HasBeenInvoiced": billed, "Line": lines}


def status_of_estimate(company: Company, before: JsonObject, estimate: JsonObject) -> str:
    """Closed once billed: at the first invoice, or with progress invoicing when nothing is left to bill."""
    invoices = [identifier for kind, identifier in map(source_of, estimate.get("LinkedTxn") or []) if kind == "Invoice"]
    progress = (company.preferences().get("SalesFormsPrefs") or {}).get("UsingProgressInvoicing")
    if invoices and (not progress or left_to_bill(company, estimate, invoices) <= 0):
        return "Closed"
    if before.get("TxnStatus") in ("Pending", "Accepted", "Rejected"):
        return str(before["TxnStatus"])
    return "Accepted" if {"AcceptedBy", "AcceptedDate"} & set(estimate) else "Pending"


def left_to_bill(company: Company, estimate: JsonObject, invoices: list[str]) -> Decimal:
    """The estimate's lines less what invoices took over of them."""
    taken = (amount_taken(company.store.get("Invoice", one) or {}, str(estimate["Id"])) for one in invoices)
    return subtotal(estimate) - sum(taken, Decimal(0))


def amount_taken(invoice: JsonObject, estimate: str) -> Decimal:
    """The lines linked to the estimate; all of the invoice where only its head is."""
    lines = [line for line in invoice.get("Line") or [] if ("Estimate", estimate) in map(source_of, links(line))]
    return sum((decimal_of(line.get("Amount")) for line in lines), Decimal(0)) if lines else subtotal(invoice)


def links(line: JsonObject) -> list[JsonObject]:
    """A line's links."""
    return line.get("LinkedTxn") or []


def subtotal(obj: JsonObject) -> Decimal:
    """A sales form's lines before discount and tax."""
    return next(
        (decimal_of(line.get("Amount")) for line in obj.get("Line") or [] if "SubTotalLineDetail" in line), Decimal(0)
    )


def mark_costs(company: Company, charge: Reference, *, billed: bool) -> None:
    """The line of the bill or expense behind a charge tells whether it has been billed."""
    for kind, identifier in company.store.referrers(charge):
        found = company.store.get(kind, identifier) if kind in COSTS else None
        if found is not None:
            lines = [marked_cost(line, charge, billed) for line in found.get("Line") or []]
            company.touch(kind, {**found, "Line": lines}, found)


def marked_cost(line: JsonObject, charge: Reference, billed: bool) -> JsonObject:
    """One line of a bill or expense."""
    detail = line.get(str(line.get("DetailType")))
    if charge not in map(source_of, links(line)) or not isinstance(detail, dict):
        return line
    status = {"BillableStatus": "HasBeenBilled" if billed else "Billable"}
    return {**line, str(line["DetailType"]): {**detail, **status}}
