"""The matcher on two CSV files, so that it can be measured on any data set.

Invariant: nothing is written unless both files were read whole.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import MatchBy
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.matching import csv_rows
from qb_pipeline.sync.matching.documents import match_documents
from qb_pipeline.sync.matching.model import Candidate, MatchClass
from qb_pipeline.sync.matching.names import match_names
from qb_pipeline.sync.matching.party import match_parties

HEADER = ("left_id", "right_id", "class", "score", "evidence")
# Kinds that a book keeps beside those it synchronises.
MORE = {"vendor": MatchBy.PARTY, "bill": MatchBy.DOCUMENT, "class": MatchBy.NAME}


def match_csv(left: Path, right: Path, entity: str, out: Path) -> dict[str, Any]:
    """Match two files of one entity's records and write the links and candidates to `out`.

    Returns the rows read per side and written per class; raises `Misconfigured` for unusable files, columns or rows.
    """
    sides = (left.stem, right.stem) if left.stem != right.stem else ("left", "right")
    rows, found = _matched(left, right, _match_by(entity), sides)
    _write(out, found)
    counts = Counter(c.match_class for c in found)
    classes = {str(c): counts[c] for c in (MatchClass.EXACT, MatchClass.STRONG, MatchClass.WEAK)}
    return {"left": rows[0], "right": rows[1], **classes, "out": str(out)}


def _match_by(entity: str) -> MatchBy:
    known = {name: spec.match_by for name, spec in ENTITIES.items()} | MORE
    if entity not in known:
        raise Misconfigured(
            f"CSV files of '{entity}' cannot be matched.",
            code="match_entity",
            fix=f"Use --entity with one of: {', '.join(sorted(known))}.",
        )
    return known[entity]


def _matched(left: Path, right: Path, by: MatchBy, sides: tuple[str, str]) -> tuple[tuple[int, int], list[Candidate]]:
    """How many rows each file has, and what was found between them."""
    if by is MatchBy.PARTY:
        parties = csv_rows.parties.read(left), csv_rows.parties.read(right)
        return (len(parties[0]), len(parties[1])), match_parties(*parties, sides)
    if by is MatchBy.NAME:
        entries = csv_rows.entries.read(left), csv_rows.entries.read(right)
        return (len(entries[0]), len(entries[1])), match_names(*entries)
    documents = csv_rows.documents.read(left), csv_rows.documents.read(right)
    return (len(documents[0]), len(documents[1])), match_documents(*documents, sides=sides)


def _write(out: Path, found: Sequence[Candidate]) -> None:
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows((c.left_id, c.right_id, c.match_class, c.score, "; ".join(c.evidence)) for c in found)
    except OSError as error:
        raise Misconfigured(
            f"{out} cannot be written ({error.strerror or error}).", code="match_csv", fix="Check the path."
        ) from error
