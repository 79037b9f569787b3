"""Reading the rows of a CSV file as parties, list entries or documents.

Invariant: a file that cannot be read whole is refused with its line and the fix; no row is skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Generic, TypeVar

from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.matching.model import Document, Named, Party
from qb_pipeline.sync.matching.normalise import fold

Cells = Mapping[str, str | None]
Row = TypeVar("Row")
PARTY_COLUMNS = tuple(f.name for f in fields(Party))
# Columns beside id; of those in one group the first that is filled counts.
NAMED_COLUMNS = (("name",), ("code", "sku", "number"), ("scope", "customer", "parent_id"))
FACT_COLUMNS = ("kind", "percent", "due_days")
DOCUMENT_COLUMNS = (
    ("number",), ("party", "customer", "vendor"), ("total", "amount"), ("date",), ("reference",), ("lines",),
)  # fmt: skip
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?")
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y")


@dataclass(frozen=True)
class _At:
    """Where in a file something stands."""

    path: Path
    line: int | None = None

    def refuse(self, cause: str, fix: str) -> Misconfigured:
        where = f"{self.path}, line {self.line}," if self.line else f"{self.path}"
        return Misconfigured(f"{where} {cause}.", code="match_csv", fix=fix)


class Reader(Generic[Row]):
    """Reads one kind of row; unknown columns are ignored, missing ones are empty."""

    def __init__(self, columns: Sequence[str], make: Callable[[_At, str, Cells], Row]) -> None:
        self.columns = ("id", *columns)
        self._make = make

    def read(self, path: Path) -> list[Row]:
        """The rows of a CSV file with a header row; raises `Misconfigured` for a file or row that cannot be used."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return self._unique(path, csv.DictReader(file, strict=True))
        except OSError as error:
            raise _At(path).refuse(f"cannot be read ({error.strerror or error})", "Check the path.") from error
        except UnicodeDecodeError as error:
            raise _At(path).refuse("is not UTF-8 text", "Save it as CSV UTF-8.") from error

    def _unique(self, path: Path, reader: csv.DictReader[str]) -> list[Row]:
        first: dict[str, int] = {}
        rows: list[Row] = []
        for at, record_id, cells in self._cells(path, reader):
            if record_id in first:
                cause = f"repeats the id '{record_id}' of line {first[record_id]}"
                raise at.refuse(cause, "Give every row an id of its own.")
            first[record_id] = at.line or 0
            rows.append(self._make(at, record_id, cells))
        return rows

    def _cells(self, path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[_At, str, Cells]]:
        try:
            if "id" not in (reader.fieldnames or ()):
                fix = f"Name the columns in the first line: {', '.join(self.columns)}."
                raise _At(path, 1).refuse("has no column 'id'", fix)
            for row in reader:
                at = _At(path, reader.line_num)
                cells = _clean(at, row)
                yield at, _id(at, cells), cells
        except csv.Error as error:
            at = _At(path, reader.reader.line_num)
            raise at.refuse(f"is not valid CSV ({error})", "Close the quotes of that row.") from error


def _clean(at: _At, row: Mapping[Any, Any]) -> Cells:
    if None in row:
        raise at.refuse("has more cells than columns", "Put quotes around cells that hold commas.")
    return {name: (text or "").strip() or None for name, text in row.items()}


def _id(at: _At, cells: Cells) -> str:
    found = cells.get("id")
    if found is None:
        raise at.refuse("has no id", "Give every row an id.")
    return found


def _party(_: _At, record_id: str, cells: Cells) -> Party:
    return Party(record_id, **{name: cells.get(name) for name in PARTY_COLUMNS if name != "id"})


def _named(_: _At, record_id: str, cells: Cells) -> Named:
    name, code, scope = (_first(cells, group) for group in NAMED_COLUMNS)
    facts = tuple((fact.replace("_", " "), _fact(cells.get(fact))) for fact in FACT_COLUMNS)
    return Named(record_id, name, code, scope, facts)


def _fact(text: str | None) -> str | Decimal | None:
    """A number as a number (8.25 is 8.250), other text without case."""
    if text is None:
        return None
    return Decimal(text) if _NUMBER.fullmatch(text) else text.casefold()


def _document(at: _At, record_id: str, cells: Cells) -> Document:
    number, party, total, day, reference, lines = (_first(cells, group) for group in DOCUMENT_COLUMNS)
    amounts = tuple((None, _money(at, part)) for part in (lines or "").split("|") if part.strip())
    return Document(record_id, number, fold(party) or None, _money(at, total), _date(at, day), reference, amounts)


def _first(cells: Cells, names: Sequence[str]) -> str | None:
    return next((cells[name] for name in names if cells.get(name)), None)


def _money(at: _At, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.replace("$", "").replace(",", "").strip())
    except InvalidOperation as error:
        raise at.refuse(f"has '{text}' as an amount", "Write amounts like 1250.00.") from error
    if not amount.is_finite():
        raise at.refuse(f"has '{text}' as an amount", "Write amounts like 1250.00.")
    return amount


def _date(at: _At, text: str | None) -> date | None:
    if text is None:
        return None
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no time zone
        except ValueError:
            continue
    raise at.refuse(f"has '{text}' as a date", "Write dates like 2026-03-31.")


parties: Reader[Party] = Reader(PARTY_COLUMNS[1:], _party)
entries: Reader[Named] = Reader([name for group in NAMED_COLUMNS for name in group] + list(FACT_COLUMNS), _named)
documents: Reader[Document] = Reader([name for group in DOCUMENT_COLUMNS for name in group], _document)
