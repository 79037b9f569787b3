"""Reports as tests read them: lines by their title, figures as Decimals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books

Cells = list[Body]


@dataclass
class Report:
    """One answer."""

    body: Body

    @property
    def header(self) -> Body:
        found: Body = self.body["Header"]
        return found

    @property
    def options(self) -> dict[str, str]:
        return {one["Name"]: one["Value"] for one in self.header["Option"]}

    @property
    def columns(self) -> list[str]:
        return [one["ColTitle"] for one in self.body["Columns"]["Column"]]

    @property
    def rows(self) -> list[Body]:
        return list(self.body["Rows"].get("Row", []))

    def lines(self) -> list[Cells]:
        """Every row of cells: headers, data and sums."""
        return list(cells_of(self.rows))

    def texts(self, title: str) -> list[str]:
        """The cells after the first of the last line that begins so."""
        found = [cells for cells in self.lines() if cells[0]["value"] == title]
        assert found, f"no line {title!r} in {[cells[0]['value'] for cells in self.lines()]}"
        return [one["value"] for one in found[-1][1:]]

    def figures(self, title: str) -> list[Decimal]:
        """As `texts`; the empty ones count as zero."""
        return [Decimal(text or 0) for text in self.texts(title)]

    def figure(self, title: str) -> Decimal:
        """The last figure of a line."""
        return self.figures(title)[-1]

    def has(self, title: str) -> bool:
        return any(cells[0]["value"] == title for cells in self.lines())

    def data(self) -> list[list[str]]:
        """The values of every row of data."""
        return [[one["value"] for one in row["ColData"]] for row in data_rows(self.rows)]

    def group(self, name: str) -> list[Decimal]:
        """The figures of the row with a group."""
        row = next(one for one in all_rows(self.rows) if one.get("group") == name)
        cells = row["Summary"]["ColData"] if "Summary" in row else row["ColData"]
        return [Decimal(one["value"] or 0) for one in cells[1:]]

    def by_id(self) -> dict[str, list[Decimal]]:
        """Figures of the data rows that name a record."""
        rows = (row["ColData"] for row in data_rows(self.rows))
        return {cells[0]["id"]: [Decimal(one["value"] or 0) for one in cells[1:]] for cells in rows if "id" in cells[0]}


def all_rows(rows: list[Body]) -> Iterator[Body]:
    for row in rows:
        yield row
        yield from all_rows(row.get("Rows", {}).get("Row", []))


def data_rows(rows: list[Body]) -> Iterator[Body]:
    return (row for row in all_rows(rows) if "ColData" in row)


def cells_of(rows: list[Body]) -> Iterator[Cells]:
    for row in rows:
        if "Header" in row:
            yield row["Header"]["ColData"]
        if "ColData" in row:
            yield row["ColData"]
        yield from cells_of(row.get("Rows", {}).get("Row", []))
        if "Summary" in row:
            yield row["Summary"]["ColData"]


def ledger_ends(report: Report) -> dict[str, Decimal]:
    """The last running balance of each account of a general ledger in the newer layout, by account id."""
    found: dict[str, Decimal] = {}
    for row in all_rows(report.rows):
        identifier = row.get("Header", {}).get("ColData", [{}])[0].get("id")
        inside = row.get("Rows", {}).get("Row", [])
        own = inside[0].get("Rows", {}).get("Row", []) if inside and "Header" not in inside[0] else inside
        own = inside if inside and "ColData" in inside[0] else own
        if identifier and own and "ColData" in own[-1]:
            found[identifier] = Decimal(own[-1]["ColData"][-1]["value"])
    return found


def run(books: Books, name: str, **params: str) -> Report:
    """A report that must come."""
    status, body = books.get(f"reports/{name}", **params)
    assert status == 200, body
    return Report(body)


def refused(books: Books, name: str, **params: str) -> tuple[int, str, str]:
    """(HTTP status, code, element) of a report that must not."""
    status, body = books.get(f"reports/{name}", **params)
    assert "Fault" in body, body
    (error,) = body["Fault"]["Error"]
    return status, error["code"], error["element"]


# What tests of purchases need.


def vendor(books: Books, name: str = "Mill Supply") -> Body:
    return books.make("Vendor", {"DisplayName": name})


def expense(account: str, amount: object, **detail: object) -> Body:
    return {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": amount,
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": account}, **detail},
    }


def bill(books: Books, whose: Body, account: str, amount: object, **fields: object) -> Body:
    return books.make("Bill", {"VendorRef": {"value": whose["Id"]}, "Line": [expense(account, amount)], **fields})


def pay_bill(books: Books, whose: Body, owed: Body, amount: object, **fields: object) -> Body:
    return books.make(
        "BillPayment",
        {
            "VendorRef": {"value": whose["Id"]},
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": {"value": CHECKING}},
            "TotalAmt": amount,
            "Line": [{"Amount": amount, "LinkedTxn": [{"TxnId": owed["Id"], "TxnType": "Bill"}]}],
            **fields,
        },
    )


# Ids in the chart of a fresh company.
INCOME, RETAINED, UNDEPOSITED, MATERIALS, RENT = "1", "3", "4", "11", "15"
PAYABLE, CHECKING, RECEIVABLE, SALES_TAX = "23", "25", "31", "36"
