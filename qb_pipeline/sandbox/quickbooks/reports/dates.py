"""Named date ranges and fiscal years.

Invariant: a range includes both its days, and "to-date" ends on the company's own today.

    span("Last Month", today, 1) -> (first, last)          None for a name QBO does not know
    fiscal_start(day, first_month)                         the first day of the fiscal year `day` lies in
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

Span = tuple[date, date]
EARLIEST, LATEST = date(1900, 1, 1), date(9999, 12, 31)
UNITS = ("week", "month", "quarter", "year")


def add_months(day: date, months: int) -> date:
    """The first day of the month that is `months` after `day`'s."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_end(day: date) -> date:
    """The last day of the month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def fiscal_start(day: date, first_month: int) -> date:
    """First day of the fiscal year."""
    return date(day.year if day.month >= first_month else day.year - 1, first_month, 1)


def week_start(day: date) -> date:
    """QBO's weeks begin on Sunday."""
    return day - timedelta(days=(day.weekday() + 1) % 7)


def unit_start(unit: str, day: date, first_month: int) -> date:
    """Where the week, month, quarter or year of a day begins; quarters count from the first month of the year."""
    if unit == "week":
        return week_start(day)
    if unit == "month":
        return day.replace(day=1)
    year = fiscal_start(day, first_month)
    if unit == "year":
        return year
    months = (day.year - year.year) * 12 + day.month - year.month
    return add_months(year, months // 3 * 3)


def shifted(unit: str, start: date, steps: int) -> date:
    """The beginning of the unit `steps` after the one that begins at `start`."""
    if unit == "week":
        return start + timedelta(weeks=steps)
    return add_months(start, steps * {"month": 1, "quarter": 3, "year": 12}[unit])


def unit_span(unit: str, start: date) -> Span:
    """The whole unit."""
    return start, shifted(unit, start, 1) - timedelta(days=1)


def span(macro: str, today: date, first_month: int) -> Span | None:
    """The range a macro names, in any case; `fiscal` and `calendar` units both occur."""
    words = " ".join(macro.lower().replace("_", " ").split())
    fixed: dict[str, Callable[[], Span]] = {
        "all": lambda: (EARLIEST, LATEST),
        "today": lambda: (today, today),
        "yesterday": lambda: (today - timedelta(days=1),) * 2,
        "next 4 weeks": lambda: (
            shifted("week", week_start(today), 1),
            shifted("week", week_start(today), 5) - timedelta(days=1),
        ),
    }
    if words in fixed:
        return fixed[words]()
    return relative(words, today, first_month)


def relative(words: str, today: date, first_month: int) -> Span | None:
    """this / last / next and a unit, up to its end or to date."""
    to_date = words.endswith("-to-date") or words.endswith(" to date")
    parts = words.removesuffix("-to-date").removesuffix(" to date").split()
    if len(parts) == 3 and parts[1] in ("fiscal", "calendar") and parts[2] in ("quarter", "year"):
        first, parts = (first_month if parts[1] == "fiscal" else 1), [parts[0], parts[2]]
    else:
        first = first_month
    steps = {"this": 0, "last": -1, "next": 1}
    if len(parts) != 2 or parts[0] not in steps or parts[1] not in UNITS or (to_date and parts[0] == "next"):
        return None
    unit = parts[1]
    current = unit_start(unit, today, first)
    start, end = unit_span(unit, shifted(unit, current, steps[parts[0]]))
    return (start, min(end, same_point(unit, today, current, start))) if to_date else (start, end)


def same_point(unit: str, today: date, current: date, start: date) -> date:
    """As far into the unit that begins at `start` as today is into the current one."""
    if unit == "week":
        return start + (today - current)
    months = (today.year - current.year) * 12 + today.month - current.month
    month = add_months(start, months)
    return month.replace(day=min(today.day, month_end(month).day))


def shown(macro: str, first_month: int) -> str:
    """As the header tells it: lower case, and a fiscal year that is the calendar's is called so."""
    words = " ".join(macro.lower().replace("_", " ").split())
    return words.replace("fiscal", "calendar") if first_month == 1 else words
