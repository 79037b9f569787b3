"""Readers and writers for the pieces that QBO objects share: texts, amounts, dates, references, addresses.

Invariant: a reader takes absent, null and empty for the same and names the field it can't read; a writer gives the form
that also clears the field, so that what a sparse update sends is what the record then says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from qb_pipeline.entities import values as canonical
from qb_pipeline.entities.records import Values
from qb_pipeline.entities.shown import shortened
from qb_pipeline.quickbooks.catalogue import element_in_words
from qb_pipeline.quickbooks.codecs import situations

Raw = Mapping[str, Any]
Body = dict[str, Any]
Writer = Callable[[Values], Body]
T = TypeVar("T")

_NAMES = ("DisplayName", "FullyQualifiedName", "Name", "DocNumber")
_STREET_LINES = ("Line1", "Line2", "Line3", "Line4", "Line5")
_DELETED = re.compile(r" \(deleted(?: \d+)?\)$")


def at(raw: Raw, *path: str) -> Any:
    """The value under nested keys, None as soon as one of them is missing or null."""
    found: Any = raw
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def objects(raw: Raw, *path: str) -> tuple[Raw, ...]:
    """The objects in a list under nested keys; absent counts as empty."""
    found = at(raw, *path)
    return tuple(entry for entry in found if isinstance(entry, Mapping)) if isinstance(found, list | tuple) else ()


def _readable(raw: Raw, path: tuple[str, ...], read: Callable[[Any], T]) -> T:
    found = at(raw, *path)
    try:
        return read(found)
    except (InvalidOperation, ValueError, TypeError) as unreadable:
        field = ".".join(path)
        names = {"value": repr(found), "part": element_in_words(field), "record": _called(raw)}
        raise situations.UNREADABLE.error(field=field, **names) from unreadable


def _called(raw: Raw) -> str:
    """What a person finds a QBO object by: its name or number, else its date and total, else its place."""
    name = next((str(raw[key]) for key in _NAMES if raw.get(key)), None)
    if name is not None:
        return f"'{shortened(name)}'"
    if raw.get("TxnDate"):
        return f"the transaction of {raw['TxnDate']} over {raw.get('TotalAmt')}"
    return f"line {raw['LineNum']}" if raw.get("LineNum") else f"the object with Id {raw.get('Id')}"


def read_text(raw: Raw, *path: str) -> str | None:
    found = at(raw, *path)
    return None if found is None else canonical.text(str(found))


def read_ref(raw: Raw, key: str) -> str | None:
    return read_text(raw, key, "value")


def read_money(raw: Raw, *path: str) -> Decimal | None:
    return _readable(raw, path, canonical.money)


def read_number(raw: Raw, *path: str) -> Decimal | None:
    return _readable(raw, path, canonical.number)


def read_integer(raw: Raw, *path: str) -> int | None:
    return _readable(raw, path, lambda found: None if found in (None, "") else int(found))


def read_date(raw: Raw, *path: str) -> date | None:
    """A calendar date; a time of day behind it is QBO's own decoration and is dropped."""
    return _readable(raw, path, lambda found: date.fromisoformat(found[:10]) if found else None)


def read_flag(raw: Raw, key: str, *, default: bool = False) -> bool:
    found = raw.get(key)
    return default if found is None else bool(found)


def is_active(raw: Raw) -> bool:
    return read_flag(raw, "Active", default=True)


def read_name(raw: Raw, *keys: str) -> str | None:
    """The first of `keys` that is filled, without the mark QBO appends to the name of an inactive record."""
    name = next((found for key in keys if (found := read_text(raw, key))), None)
    return name if name is None or is_active(raw) else canonical.text(_DELETED.sub("", name))


def read_address(raw: Raw, key: str, prefix: str) -> dict[str, str | None]:
    streets = [street for line in _STREET_LINES[1:] if (street := read_text(raw, key, line))]
    return {
        f"{prefix}_line1": read_text(raw, key, "Line1"),
        f"{prefix}_line2": "\n".join(streets) or None,
        f"{prefix}_city": read_text(raw, key, "City"),
        f"{prefix}_state": read_text(raw, key, "CountrySubDivisionCode"),
        f"{prefix}_postal_code": read_text(raw, key, "PostalCode"),
        f"{prefix}_country": read_text(raw, key, "Country"),
    }


def street_lines(values: Values, prefix: str) -> list[str]:
    """The lines of line2 as QBO holds them: one to a field, blank ones closed up."""
    joined = str(values.get(f"{prefix}_line2") or "")
    return [line.strip() for line in joined.split("\n") if line.strip()]


def write_text(key: str, field: str) -> Writer:
    """An empty string clears a text in a sparse update; a null or a missing key leaves it as it was."""
    return lambda values: {key: values.get(field) or ""}


def write_inside(key: str, inner: str, field: str) -> Writer:
    """A text inside an object (e-mail, phone, memo): the object stays, its text is emptied."""
    return lambda values: {key: {inner: values.get(field) or ""}}


def write_ref(key: str, field: str) -> Writer:
    # QBO documents no way to empty a reference sparsely and ignores this one on some objects (Item.ClassRef); the
    # comparison of the answer with what was meant then reports it.
    return lambda values: {key: {"value": values.get(field) or ""}}


def write_value(key: str, field: str) -> Writer:
    """An amount or a flag, which QBO can hold but not empty: an absent one is not sent at all."""
    return lambda values: {} if values.get(field) is None else {key: values[field]}


def write_date(key: str, field: str) -> Writer:
    return lambda values: {} if values.get(field) is None else {key: str(values[field])}


def write_address(key: str, prefix: str) -> Writer:
    """The complete address, empty parts included: QBO replaces it as a whole, and would keep parts left out if not."""

    def write(values: Values) -> Body:
        streets = [str(values.get(f"{prefix}_line1") or ""), *street_lines(values, prefix)]
        padded = streets + [""] * (len(_STREET_LINES) - len(streets))
        return {
            key: {
                **dict(zip(_STREET_LINES, padded, strict=True)),
                "City": values.get(f"{prefix}_city") or "",
                "CountrySubDivisionCode": values.get(f"{prefix}_state") or "",
                "PostalCode": values.get(f"{prefix}_postal_code") or "",
                "Country": values.get(f"{prefix}_country") or "",
            }
        }

    return write


def address_writers(key: str, prefix: str) -> dict[str, Writer]:
    """One writer under each of an address's six fields, so that any change sends the whole of it."""
    parts = ("line1", "line2", "city", "state", "postal_code", "country")
    return dict.fromkeys((f"{prefix}_{part}" for part in parts), write_address(key, prefix))


def written(writers: Mapping[str, Writer], names: Iterable[str], values: Values) -> Body:
    """The parts of a body that the named fields make up, in the order of `writers`."""
    wanted = frozenset(names)
    body: Body = {}
    for name, writer in writers.items():
        if name in wanted:
            body.update(writer(values))
    return body


def without_blanks(body: Raw) -> Body:
    """A body for a create, where nothing needs clearing: empty texts and the objects they leave empty are left out."""
    pruned = {key: without_blanks(part) if isinstance(part, Mapping) else part for key, part in body.items()}
    return {key: part for key, part in pruned.items() if part not in ("", {})}


def sparse(current: Raw, changes: Raw) -> Body:
    """A sparse update of `current`: QBO changes only the keys of `changes`."""
    return {"Id": current["Id"], "SyncToken": current["SyncToken"], "sparse": True, **changes}
