"""The matcher on two CSV files, so that it can be measured on any data set.

Invariant: a file that cannot be read whole is refused with its line and the fix; no row is skipped.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import MatchBy
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.matching.model import Candidate, MatchClass, Party
from qb_pipeline.sync.matching.party import match_parties

COLUMNS = tuple(f.name for f in fields(Party))
HEADER = ("left_id", "right_id", "class", "score", "evidence")


def match_csv(left: Path, right: Path, entity: str, out: Path) -> dict[str, Any]:
    """Match two files of parties and write the links and candidates to `out`.

    Returns the rows read per side and written per class; raises `Misconfigured` for unusable files, columns or rows.
    """
    _refuse_other_entities(entity)
    lefts, rights = read_parties(left), read_parties(right)
    sides = (left.stem, right.stem) if left.stem != right.stem else ("left", "right")
    found = match_parties(lefts, rights, sides)
    _write(out, found)
    counts = Counter(c.match_class for c in found)
    classes = {str(c): counts[c] for c in (MatchClass.EXACT, MatchClass.STRONG, MatchClass.WEAK)}
    return {"left": len(lefts), "right": len(rights), **classes, "out": str(out)}


def _refuse_other_entities(entity: str) -> None:
    usable = sorted(name for name, spec in ENTITIES.items() if spec.match_by is MatchBy.PARTY)
    if entity not in usable:
        raise Misconfigured(
            f"CSV files of '{entity}' cannot be matched.",
            code="match_entity",
            fix=f"Use --entity with one of: {', '.join(usable)}.",
        )


def read_parties(path: Path) -> list[Party]:
    """The parties of a CSV file with a header row; unknown columns are ignored, missing ones are empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _unique(path, list(_rows(path, csv.DictReader(file, strict=True))))
    except OSError as error:
        raise _bad(path, None, f"cannot be read ({error.strerror or error})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise _bad(path, None, "is not UTF-8 text", "Save it as CSV UTF-8.") from error


def _rows(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[int, Party]]:
    try:
        if "id" not in (reader.fieldnames or ()):
            raise _bad(path, 1, "has no column 'id'", f"Name the columns in the first line: {', '.join(COLUMNS)}.")
        for row in reader:
            yield reader.line_num, _party(path, reader.line_num, row)
    except csv.Error as error:
        raise _bad(
            path, reader.reader.line_num, f"is not valid CSV ({error})", "Close the quotes of that row."
        ) from error


def _party(path: Path, line: int, row: dict[str, Any]) -> Party:
    if None in row:
        raise _bad(path, line, "has more cells than columns", "Put quotes around cells that hold commas.")
    cells = {name: (row.get(name) or "").strip() or None for name in COLUMNS}
    if cells["id"] is None:
        raise _bad(path, line, "has no id", "Give every row an id.")
    return Party(**cells)  # type: ignore[arg-type]  # the id was just seen to be there


def _unique(path: Path, rows: Sequence[tuple[int, Party]]) -> list[Party]:
    first: dict[str, int] = {}
    for line, party in rows:
        if party.id in first:
            cause = f"repeats the id '{party.id}' of line {first[party.id]}"
            raise _bad(path, line, cause, "Give every row an id of its own.")
        first[party.id] = line
    return [party for _, party in rows]


def _bad(path: Path, line: int | None, cause: str, fix: str) -> Misconfigured:
    where = f"{path}, line {line}," if line else f"{path}"
    return Misconfigured(f"{where} {cause}.", code="match_csv", fix=fix)


def _write(out: Path, found: Sequence[Candidate]) -> None:
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows((c.left_id, c.right_id, c.match_class, c.score, "; ".join(c.evidence)) for c in found)
    except OSError as error:
        raise _bad(out, None, f"cannot be written ({error.strerror or error})", "Check the path.") from error
