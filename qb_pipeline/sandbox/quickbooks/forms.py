"""A transaction as the form a customer or vendor gets to see, in PDF.

Invariant: the form shows what is stored, line by line; nothing is computed here.

    form_pdf(company, entity, identifier) -> the file's bytes
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.pdf import Run, document
from qb_pipeline.sandbox.quickbooks.sending import stored_form

TITLES = {
    "Invoice": "INVOICE",
    "Estimate": "ESTIMATE",
    "SalesReceipt": "SALES RECEIPT",
    "CreditMemo": "CREDIT MEMO",
    "RefundReceipt": "REFUND RECEIPT",
    "Payment": "PAYMENT RECEIPT",
    "PurchaseOrder": "PURCHASE ORDER",
}
LEFT, DETAILS, QUANTITY, AMOUNT = 50, 330, 400, 490
TOP, STEP, LINES_FIRST, LINES_NEXT = 740, 16, 24, 40
LONGEST_TEXT = 62
Row = tuple[str, str, str]


def form_pdf(company: Company, entity: str, identifier: str) -> bytes:
    """The form. 500 for entities without one, 2030, 610."""
    if entity not in TITLES:
        raise unsupported(f"pdf on {entity}")
    form = stored_form(company, entity, identifier)
    rows, totals = [row(line) for line in form.get("Line") or []], totals_of(form)
    head = heading(company, entity, form)
    chunks = [rows[:LINES_FIRST]]
    chunks += [rows[start : start + LINES_NEXT] for start in range(LINES_FIRST, len(rows), LINES_NEXT)]
    pages = [page(head if position == 0 else [], chunk, []) for position, chunk in enumerate(chunks[:-1])]
    pages.append(page(head if len(chunks) == 1 else [], chunks[-1], totals))
    return document(f"{TITLES[entity].title()} {form.get('DocNumber') or identifier}", pages)


def page(head: list[Run], rows: list[Row], totals: list[tuple[str, str]]) -> list[Run]:
    """One page: heading, table, totals."""
    y = min((run.y for run in head), default=TOP) - 2 * STEP
    columns = (LEFT, "Description"), (QUANTITY, "Qty"), (AMOUNT, "Amount")
    runs = [*head, *(Run(x, y, name, 10, bold=True) for x, name in columns)]
    for texts in rows:
        y -= STEP
        runs += [Run(x, y, text) for (x, _), text in zip(columns, texts, strict=True) if text]
    y -= STEP
    for name, amount in totals:
        y -= STEP
        runs += [Run(QUANTITY, y, name, 10, bold=True), Run(AMOUNT, y, amount, 10, bold=True)]
    return runs


def heading(company: Company, entity: str, form: JsonObject) -> list[Run]:
    """Who sends what to whom."""
    own = company.store.get("CompanyInfo", "1") or {}
    left = [str(own.get("CompanyName") or ""), *address(own.get("CompanyAddr")), "", "TO", *recipient(form)]
    right = [
        f"{name}: {form[key]}"
        for name, key in (("No.", "DocNumber"), ("Date", "TxnDate"), ("Due", "DueDate"), ("Expires", "ExpirationDate"))
        if form.get(key)
    ]
    runs = [Run(LEFT, TOP, TITLES[entity], 18, bold=True)]
    runs += [Run(LEFT, TOP - (n + 2) * STEP, text) for n, text in enumerate(left) if text]
    return runs + [Run(DETAILS, TOP - (n + 2) * STEP, text) for n, text in enumerate(right)]


def recipient(form: JsonObject) -> list[str]:
    """The customer or vendor with the address on the form."""
    party = form.get("CustomerRef") or form.get("VendorRef") or {}
    return [
        str(party.get("name") or party.get("value") or ""),
        *address(form.get("BillAddr") or form.get("VendorAddr")),
    ]


def address(found: JsonObject | None) -> list[str]:
    """An address in at most six lines."""
    held = found or {}
    place = [str(held[key]) for key in ("City", "CountrySubDivisionCode", "PostalCode") if held.get(key)]
    lines = [str(held[f"Line{n}"]) for n in range(1, 6) if held.get(f"Line{n}")]
    return [*lines, " ".join(place)] if place else lines


def row(line: JsonObject) -> Row:
    """Description, quantity and amount of a line; a payment's line names what it pays."""
    detail = line.get(str(line.get("DetailType"))) or {}
    item = detail.get("ItemRef") or detail.get("AccountRef") or {}
    links = ", ".join(f"{link.get('TxnType')} {link.get('TxnId')}" for link in line.get("LinkedTxn") or [])
    shown = (
        line.get("Description")
        or item.get("name")
        or links
        or str(line.get("DetailType", "")).removesuffix("LineDetail")
    )
    text = " ".join(str(shown).split())
    cut = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "\u2026"
    quantity = str(detail["Qty"]) if detail.get("Qty") is not None else ""
    return cut, quantity, money(line["Amount"]) if line.get("Amount") is not None else ""


def totals_of(form: JsonObject) -> list[tuple[str, str]]:
    """Tax, total and what is left of it."""
    tax = (form.get("TxnTaxDetail") or {}).get("TotalTax")
    found = (
        ("Tax", tax or None),
        ("Total", form.get("TotalAmt")),
        ("Balance due", form.get("Balance")),
        ("Unapplied", form.get("UnappliedAmt")),
    )
    return [(name, money(value)) for name, value in found if value is not None]


def money(value: object) -> str:
    """`1,234.50`."""
    return f"{decimal_of(value).quantize(Decimal('0.01')):,}"
