"""What a report request asks for.

Invariant: a value without a meaning is refused by its parameter's name; unknown parameters are ignored, as QBO does.

    asked(company, query, "This Month-to-date") -> Asked
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.reports.dates import EARLIEST, Span, fiscal_start, shown, span
from qb_pipeline.sandbox.quickbooks.times import today

FILTERS = ("customer", "vendor", "employee", "item", "class", "department", "account", "source_account")
CHOICES: dict[str, tuple[str, ...]] = {
    "accounting_method": ("Accrual", "Cash"),
    "summarize_column_by": (
        "Total", "Month", "Week", "Days", "Quarter", "Year", "Customers", "Vendors", "Classes", "Departments",
        "Employees", "ProductsAndServices",
    ),
    "aging_method": ("Report_Date", "Current"),
    "sort_order": ("ascend", "descend"),
    "arpaid": ("All", "Paid", "Unpaid"),
    "appaid": ("All", "Paid", "Unpaid"),
    "cleared": ("All", "Cleared", "Uncleared", "Reconciled", "Deposited"),
    "qzurl": ("true", "false"),
}  # fmt: skip
# Recordings made without a minor version, or with one below this, show the older layout of detail reports.
WELL_FORMED = 3
# Days that can be asked for, and numbers.
FIRST_DAY, LAST_DAY = date(1900, 1, 2), date(2999, 12, 31)
WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request, with the company's defaults filled in. `macro` is None when both dates were given."""

    start: date
    end: date
    macro: str | None
    as_of: date
    today: date
    cash: bool
    first_month: int
    filters: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, str]
    values: Mapping[str, str]

    @property
    def modern(self) -> bool:
        """Whether detail reports come in the layout of minor version 3 and later."""
        sent = self.values.get("minorversion", "")
        return bool(WHOLE.fullmatch(sent)) and int(sent) >= WELL_FORMED

    @property
    def summarize(self) -> str:
        """How the columns are made."""
        return self.choices["summarize_column_by"]

    @property
    def descending(self) -> bool:
        """Whether rows come in falling order."""
        return self.choices["sort_order"] == "descend"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number. 2090 when it is none, 2180 when it lies outside."""
        sent = self.values.get(name, "").strip()
        if not sent:
            return default
        if not WHOLE.fullmatch(sent):
            raise Fault(2090, f"{name} must be a whole number. Supplied value:{sent}", element=name)
        if not least <= int(sent) <= most:
            raise Fault(2180, f"{name} must lie between {least} and {most}. Supplied value:{sent}", element=name)
        return int(sent)

    def listed(self, name: str) -> tuple[str, ...]:
        """The parts of a comma-separated value."""
        return tuple(part.strip() for part in self.values.get(name, "").split(",") if part.strip())


def asked(company: Company, query: Mapping[str, str], default_macro: str) -> Asked:
    """Read the parameters. 2060/2070 for dates, 2170 for words, 2030 for ids that make no sense."""
    values = {name: value for name, value in query.items() if value.strip()}
    first_month, now = fiscal_month(company), today(company.now)
    (start, end), macro = period(values, default_macro, now, first_month)
    report_date = a_date(values, "report_date")
    if report_date is not None and not {"date_macro", "start_date", "end_date"} & values.keys():
        start = end = report_date
    return Asked(
        start=start,
        end=end,
        macro=None if report_date and "date_macro" not in values else macro,
        as_of=report_date or end,
        today=now,
        cash=basis(company, values) == "Cash",
        first_month=first_month,
        filters={name: ids(values, name) for name in FILTERS if name in values},
        choices={name: choice(values, name) for name in CHOICES},
        values=values,
    )


def period(values: Mapping[str, str], default: str, now: date, first_month: int) -> tuple[Span, str | None]:
    """The range and the macro it came from; a date that was sent overrides its end of the macro's range."""
    name = values.get("date_macro", default)
    found = span(name, now, first_month)
    if found is None:
        raise enumeration("date_macro", name)
    start, end = a_date(values, "start_date"), a_date(values, "end_date")
    if start is None and end is None:
        return found, shown(name, first_month)
    if start is None and end is not None:
        begin = found[0] if found[0] <= end else fiscal_start(end, first_month)
        return (begin, end), None
    result = (start or EARLIEST, end or max(found[1], start or found[1]))
    if result[0] > result[1]:
        raise Fault(2070, f"start_date {result[0]} is after end_date {result[1]}", element="start_date")
    return result, None


def a_date(values: Mapping[str, str], name: str) -> date | None:
    """A date parameter. 2060 for text that is none, 2070 for a day no company's books reach."""
    sent = values.get(name)
    if sent is None:
        return None
    try:
        found = datetime.strptime(sent.strip().strip("'\""), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise Fault(2060, f"{name} must be YYYY-MM-DD. Supplied value:{sent}", element=name) from error
    if not FIRST_DAY <= found <= LAST_DAY:
        raise Fault(2070, f"{name} must lie between {FIRST_DAY} and {LAST_DAY}. Supplied value:{sent}", element=name)
    return found


def choice(values: Mapping[str, str], name: str) -> str:
    """One of the words QBO knows, in any case; the first is the default."""
    sent, known = values.get(name), CHOICES[name]
    if sent is None:
        return "false" if name == "qzurl" else known[0]
    found = next((word for word in known if word.lower() == sent.strip().lower()), None)
    if found is None:
        raise enumeration(name, sent)
    return found


def enumeration(name: str, sent: str) -> Fault:
    """2170 for a word QBO does not know."""
    return Fault(2170, f"Invalid enumeration : {name} does not know {sent}", element=name)


def ids(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Comma-separated ids. 2030 for one that is no number; an id of no record simply finds nothing."""
    found = tuple(part.strip() for part in values[name].split(",") if part.strip())
    for one in found:
        if not one.isdecimal():
            raise Fault(2030, f"Id should be a valid number. Supplied value:{one}", element=name)
    return found


def basis(company: Company, values: Mapping[str, str]) -> str:
    """Accrual or Cash: as asked, else as the company prefers."""
    if "accounting_method" in values:
        return choice(values, "accounting_method")
    return str((company.preferences().get("ReportPrefs") or {}).get("ReportBasis") or "Accrual")


def fiscal_month(company: Company) -> int:
    """The month the fiscal year begins with, 1 to 12."""
    name = str((company.preferences().get("AccountingInfoPrefs") or {}).get("FirstMonthOfFiscalYear") or "January")
    return MONTHS.index(name.lower()) + 1 if name.lower() in MONTHS else 1
