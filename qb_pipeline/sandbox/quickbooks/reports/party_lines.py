"""Open items as lines of detail reports.

Invariant: a line's open amount is the item's; its amount is the document's own total, with the same sign.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.chart import chart
from qb_pipeline.sandbox.quickbooks.reports.entries import Entry, Names, kind_of
from qb_pipeline.sandbox.quickbooks.reports.open_items import OpenItem, Side


def titles(company: Company) -> dict[str, str]:
    """Columns that are titled otherwise in reports on parties; a company may call its customers clients."""
    prefs = company.preferences().get("AccountingInfoPrefs") or {}
    return {"doc_num": "No.", "cust_name": str(prefs.get("CustomerTerminology") or "Customers").removesuffix("s")}


def party_entries(company: Company, side: Side, items: list[OpenItem]) -> list[Entry]:
    """A line an item."""
    known = Names(company, chart(company))
    return [line(side, one, known) for one in items]


def line(side: Side, one: OpenItem, known: Names) -> Entry:
    """One open item."""
    written = one.written
    return Entry(
        entity=one.entity,
        id=one.id,
        kind=kind_of(one.entity, written["PaymentType"], bool(written["Credit"]), written["PayType"]),
        date=one.day,
        number=one.number,
        due=one.due or one.day,
        memo=written["PrivateNote"] or "",
        name=known.of(one.sort, one.party) if one.sort else ("", ""),
        party=one.sort or side.party,
        account=("", ""),
        split=("", ""),
        amount=one.open if one.total is None else one.total,
        open=one.open,
        past_due=one.past_due,
        department=known.of("Department", written["DepartmentRef.value"]),
        created=written["MetaData.CreateTime"] or "",
        updated=written["MetaData.LastUpdatedTime"] or "",
    )
