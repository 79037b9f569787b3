"""QBO's query language, as far as it is used here.

Invariant: every paged statement is ordered by a stated key, because QBO's default order moves rows between pages.
"""

from __future__ import annotations

import re

from qb_pipeline.errors import FixTheData

MAX_PAGE = 1000
_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)


def quote(text: str) -> str:
    """`text` as a literal with its quotes, apostrophes and backslashes escaped by a backslash: 'O\\'Neil'."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def page_statement(
    object_name: str, *, where: str | None, active_too: bool, order_by: str, start: int, page_size: int
) -> str:
    """The statement for the page that starts at row `start` (from 1).

    `active_too` asks for inactive names as well, which QBO leaves out unless Active is mentioned.
    """
    if not 1 <= page_size <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} rows, not {page_size}")
    rows = f"{object_name}{_where(where, active_too=active_too)}"
    # No SQL: QBO's read-only language; object names and conditions are our own, values go through `quote`.
    return f"SELECT * FROM {rows} ORDERBY {order_by} STARTPOSITION {start} MAXRESULTS {page_size}"  # noqa: S608


def count_statement(object_name: str, *, where: str | None, active_too: bool) -> str:
    return f"SELECT COUNT(*) FROM {object_name}{_where(where, active_too=active_too)}"  # noqa: S608  # as above


def object_of(statement: str) -> str:
    """The object a statement selects from."""
    found = _FROM.search(statement)
    if found is None:
        raise FixTheData(
            f"The query {statement!r} names no object to select from.",
            code="qbo_4000",
            fix="Write it as SELECT … FROM <object> ….",
        )
    return found.group(1)


def _where(where: str | None, *, active_too: bool) -> str:
    conditions = [*([where] if where else []), *(["Active IN (true, false)"] if active_too else [])]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
