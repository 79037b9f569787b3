"""Which records the work list names, and that it names none when nothing changed."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions, links, staging
from qb_pipeline.store.exceptions import Problem
from qb_pipeline.store.links import LinkState, LinkUpdate, NewLink
from qb_pipeline.store.staging import Work, dirty
from qb_pipeline_tests.unit.store.builders import NOON, customer

CON, QBO = Side.CONTRACTOR, Side.QUICKBOOKS


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def stage(conn: Connection, *records: Record) -> None:
    for record in records:
        staging.merge(conn, "acme", record.side, "customer", [record])


def linked_pair(conn: Connection, number: str = "1") -> int:
    """A pair that agrees: both staged, linked with their hashes."""
    ours, theirs = customer(f"c{number}", side=CON), customer(number, side=QBO)
    stage(conn, ours, theirs)
    link = NewLink("acme", "customer", ours.id, theirs.id, contractor_hash=staging.record_hash(ours),
                   quickbooks_hash=staging.record_hash(theirs))  # fmt: skip
    return links.create_many(conn, [link])[0]


def names(work: list[Work]) -> list[tuple[int | None, str | None, str | None]]:
    return [
        (
            w.link.id if w.link else None,
            w.contractor.record.id if w.contractor else None,
            w.quickbooks.record.id if w.quickbooks else None,
        )
        for w in work
    ]


def test_an_agreeing_pair_is_no_work(conn: Connection) -> None:
    linked_pair(conn)
    assert dirty(conn, "acme", "customer") == []


def test_unlinked_rows_of_both_sides_are_work(conn: Connection) -> None:
    stage(conn, customer("c1", side=CON), customer("1"))
    assert names(dirty(conn, "acme", "customer")) == [(None, "c1", None), (None, None, "1")]


def test_deleted_or_skipped_unlinked_rows_are_no_work(conn: Connection) -> None:
    stage(conn, customer("c1", side=CON, skip="a draft"), customer("1", state=State.DELETED))
    assert dirty(conn, "acme", "customer") == []


@pytest.mark.parametrize("side", list(Side))
def test_a_change_on_either_side_brings_the_pair_with_both_rows(conn: Connection, side: Side) -> None:
    link = linked_pair(conn)
    linked_pair(conn, "2")
    stage(conn, customer("c1" if side is CON else "1", "renamed", side=side, version="1", minutes=1))
    work = dirty(conn, "acme", "customer")
    assert names(work) == [(link, "c1", "1")]
    changed = work[0].on(side)
    assert changed is not None
    assert changed.record.values["name"] == "renamed"


def test_a_deletion_of_a_linked_record_is_work(conn: Connection) -> None:
    link = linked_pair(conn)
    staging.mark_deleted(conn, "acme", QBO, "customer", ["1"], NOON)
    assert names(dirty(conn, "acme", "customer")) == [(link, "c1", "1")]


def test_work_is_done_when_the_link_takes_the_new_hash(conn: Connection) -> None:
    link = linked_pair(conn)
    edited = customer("1", "renamed", version="1", minutes=1)
    stage(conn, edited)
    links.update_base_many(conn, "acme", [LinkUpdate(link, quickbooks_hash=staging.record_hash(edited))])
    assert dirty(conn, "acme", "customer") == []


def test_a_live_link_with_one_id_is_work_and_a_removed_one_is_not(conn: Connection) -> None:
    ours = customer("c1", side=CON)
    stage(conn, ours)
    [half] = links.create_many(
        conn, [NewLink("acme", "customer", "c1", None, contractor_hash=staging.record_hash(ours))]
    )
    assert names(dirty(conn, "acme", "customer")) == [(half, "c1", None)]
    links.update_base_many(conn, "acme", [LinkUpdate(half, state=LinkState.REMOVED)])
    assert dirty(conn, "acme", "customer") == []


def test_an_exception_makes_its_link_work_only_when_due(conn: Connection) -> None:
    link = linked_pair(conn)
    problem = Problem(entity="customer", side=QBO, record_id="1", code="busy", title="Busy", cause="QBO is busy.",
                      fix="Wait.", who="nobody", retry_safe=True)  # fmt: skip
    [opened] = exceptions.report(conn, "acme", [problem], NOON)
    assert dirty(conn, "acme", "customer", NOON) == []
    assert names(dirty(conn, "acme", "customer", NOON + timedelta(hours=5))) == [(link, "c1", "1")]
    exceptions.ignore(conn, "acme", [opened])
    assert dirty(conn, "acme", "customer", NOON + timedelta(hours=5)) == []


def test_another_companys_work_is_not_ours(conn: Connection) -> None:
    stage(conn, customer("c1", side=CON))
    assert dirty(conn, "zenith", "customer") == []


def a_hundred_thousand_pairs(engine: Engine) -> None:
    payload = "'{\"DisplayName\": \"' || repeat('x', 400) || '\"}'"
    with engine.begin() as conn:
        for side, prefix in ((CON, "c"), (QBO, "")):
            conn.execute(
                text(
                    f"INSERT INTO staging_{side.value}.customer"
                    " (company, id, version, updated_at, state, content_hash, raw)"
                    f" SELECT 'acme', '{prefix}' || n, '0', now(), 'live', md5(n::text), ({payload})::jsonb"
                    " FROM generate_series(1, 100000) n"
                )
            )
        conn.execute(
            text(
                "INSERT INTO qb.link (company, entity, contractor_id, quickbooks_id, contractor_hash, quickbooks_hash)"
                " SELECT 'acme', 'customer', 'c' || n, n, md5(n::text), md5(n::text) FROM generate_series(1, 100000) n"
            )
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE"))


def test_a_hundred_thousand_agreeing_pairs_are_checked_quickly(engine: Engine) -> None:
    a_hundred_thousand_pairs(engine)
    with engine.begin() as conn:
        started = time.monotonic()
        assert dirty(conn, "acme", "customer") == []
        assert time.monotonic() - started < 3  # about 0.3 s on an idle machine
        stage(conn, customer("77", "renamed", version="1", minutes=60 * 24 * 3650))
        assert [w.quickbooks.record.id for w in dirty(conn, "acme", "customer") if w.quickbooks] == ["77"]
