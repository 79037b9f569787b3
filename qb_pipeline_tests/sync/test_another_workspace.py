"""Connecting a company to a contractor's workspace that is not the one its records are linked with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import simplejson

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.connecting import Connecting, Wanted
from qb_pipeline_tests.sync.world import COMPANY, World, customer
from qb_pipeline_tests.unit.console.running import enter, settings_for
from qb_pipeline_tests.unit.contractor.servers import Reply, Script, scripted

EMPTY = Reply(body=b'{"data": [], "next_cursor": null}')
UNKNOWN = Reply(404, b'{"error": {"code": "not_found", "message": "There is no such record."}}')


@pytest.fixture
def elsewhere() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def linked(world: World) -> World:
    for name in ("Ann", "Ben"):
        world.port(Side.CONTRACTOR).add("customer", **customer(name))
    world.run()
    assert len(world.links()) == 2
    return world


def connecting(world: World, home: Path, script: Script) -> Connecting:
    current = settings_for(home)
    enter(world.engine, current, COMPANY, contractor_url=script.url, contractor_key="old")
    return Connecting(world.engine, current, COMPANY, Wanted("reference", script.url, "new"))


def shown(name: str, **more: object) -> Reply:
    record = {"id": "1", "version": "3", "updated_at": "2026-03-01T10:00:00Z", "name": name, "active": True, **more}
    return Reply(body=simplejson.dumps(record).encode())


def answering(world: World, *replies: Reply) -> list[Reply]:
    """The listing that every connection asks for, then an answer to each linked record, about itself."""
    ids = sorted(i for i in world.links() if i is not None)
    own = [
        Reply(r.status, r.body.replace(b'"id": "1"', f'"id": "{i}"'.encode()))
        for i, r in zip(ids, replies, strict=False)
    ]
    return [EMPTY, *own]


@pytest.mark.parametrize("other", [UNKNOWN, shown("Somebody else")], ids=["no such id", "another record of that id"])
def test_a_workspace_that_knows_none_of_the_linked_records_is_refused_and_they_are_named(
    linked: World, elsewhere: Script, tmp_path: Path, other: Reply
) -> None:
    elsewhere.replies = answering(linked, other, other)
    with pytest.raises(Misconfigured, match=r"knows none of these records.*Customer Ann, Customer Ben") as raised:
        connecting(linked, tmp_path, elsewhere).check_contractor()
    assert raised.value.code == "other_workspace"


@pytest.mark.parametrize(
    "second", [shown("Ben"), shown("Whoever", deleted_at="2026-03-02T10:00:00Z")], ids=["alive", "removed"]
)
def test_one_linked_record_that_it_knows_is_enough(
    linked: World, elsewhere: Script, tmp_path: Path, second: Reply
) -> None:
    elsewhere.replies = answering(linked, UNKNOWN, second)
    assert connecting(linked, tmp_path, elsewhere).check_contractor() == "reference"
    assert len(elsewhere.asked) == 3


def test_where_nothing_is_linked_or_nothing_of_the_contractor_is_given_no_record_is_asked_for(
    world: World, elsewhere: Script, tmp_path: Path
) -> None:
    elsewhere.replies = [EMPTY]
    connecting(world, tmp_path, elsewhere).check_contractor()
    world.port(Side.CONTRACTOR).add("customer", **customer("Ann"))
    world.run()
    Connecting(world.engine, settings_for(tmp_path), COMPANY, Wanted()).check_contractor()
    assert len(elsewhere.asked) == 2
