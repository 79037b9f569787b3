"""Every recorded object of every company loads, reads back exactly and is found by query.

Ids are per company and some objects were recorded in several versions, so the objects are spread over as few folders
as it takes for each (entity, id) to be there once; what is kept in another home currency has folders of its own.
Nothing may differ, not even the order of keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import simplejson

from qb_pipeline.sandbox.quickbooks.query.fields import ACTIVE, FIELDS
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running
from qb_pipeline_tests.sandbox.quickbooks.test_recorded_company import CRAIGS

OBJECTS = None if CRAIGS is None else CRAIGS.parent / "objects"
pytestmark = pytest.mark.skipif(
    OBJECTS is None or not OBJECTS.is_dir(), reason="no recorded objects; name their folder with QB_RECORDED"
)
Key = tuple[str, str]
Folder = dict[Key, Body]
# Canadian: invoices in CAD at a rate of 1.
ABROAD = ("sandbox-ca-2017-ms",)
# The one object of a company, read at an address without its id.
SINGLE = ("Preferences", "CompanyInfo")


def recorded() -> Iterator[tuple[bool, str, Body]]:
    """(from another home currency, entity, object); each version once."""
    seen: defaultdict[str, list[Body]] = defaultdict(list)
    for file in sorted(OBJECTS.glob("*.jsonl")) if OBJECTS else []:
        entity, _, kind = file.stem.partition(".")
        if kind == "provenance":
            continue
        origins = file.with_suffix(".provenance.jsonl").read_text(encoding="utf-8").splitlines()
        for row, origin in zip(file.read_text(encoding="utf-8").splitlines(), origins, strict=True):
            found = simplejson.loads(row, use_decimal=True)
            if found not in seen[entity]:
                seen[entity].append(found)
                yield simplejson.loads(origin)["company"] in ABROAD, entity, found


@cache
def folders() -> list[Folder]:
    """The objects, spread."""
    result: list[tuple[bool, Folder]] = []
    for abroad, entity, one in recorded():
        key = (entity, str(one["Id"]))
        free = next((folder for there, folder in result if there == abroad and key not in folder), None)
        if free is None:
            result.append((abroad, free := {}))
        free[key] = one
    return [folder for _, folder in result]


@contextmanager
def served(path: Path, folder: Folder) -> Iterator[Books]:
    """A server that has loaded a folder."""
    rows: defaultdict[str, list[str]] = defaultdict(list)
    for (entity, _), one in folder.items():
        rows[entity].append(simplejson.dumps(one, use_decimal=True))
    for entity, lines in rows.items():
        (path / f"{entity}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with running(data=path, empty=False) as info:
        yield open_books(info)


def everything(books: Books, entity: str) -> dict[str, Body]:
    """All objects of an entity, inactive ones too, as a query gives them."""
    listed = "where Active in (true, false) " if set(ACTIVE) <= set(FIELDS.get(entity, {})) else ""
    found = books.query(f"select * from {entity} {listed}maxresults 1000").get(entity, [])
    return {str(one["Id"]): one for one in found}


@pytest.mark.parametrize("number", range(len(folders())))
def test_every_recorded_object_loads_reads_back_equal_and_is_found_by_query(tmp_path: Path, number: int) -> None:
    folder = folders()[number]
    with served(tmp_path, folder) as books:
        listed = {entity: everything(books, entity) for entity in {entity for entity, _ in folder}}
        for (entity, identifier), original in folder.items():
            found = listed[entity].get(identifier)
            assert found == original, (entity, identifier)
            assert list(found) == list(original), (entity, identifier)
            one = books.query(f"select * from {entity} where Id = '{identifier}'").get(entity)
            assert one == [original] or original.get("Active") is False, (entity, identifier)
            # Ids of 2012 ("NG:2285964") cannot be asked for any more.
            assert entity in SINGLE or not identifier.isdecimal() or books.read(entity, identifier) == original
