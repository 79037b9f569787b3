"""Links: unique per native id, moved together, looked up in bulk."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import links
from qb_pipeline.store.links import LinkState, LinkUpdate, NativeIds, NewLink

CON, QBO = Side.CONTRACTOR, Side.QUICKBOOKS


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def pair(number: int, company: str = "acme") -> NewLink:
    return NewLink(company, "customer", f"c{number}", str(number), base={"name": f"N{number}"}, match_class="exact")


def test_ids_come_back_in_the_order_given(conn: Connection) -> None:
    ids = links.create_many(conn, [pair(n) for n in (3, 1, 2)])
    stored = links.get_many(conn, "acme", ids)
    assert [stored[i].quickbooks_id for i in ids] == ["3", "1", "2"]
    assert stored[ids[0]].base == {"name": "N3"}


@pytest.mark.parametrize("second", [NewLink("acme", "customer", "c1", "9"), NewLink("acme", "customer", "c9", "1")])
def test_a_native_id_is_never_linked_twice(conn: Connection, second: NewLink) -> None:
    links.create_many(conn, [pair(1)])
    with pytest.raises(IntegrityError):
        links.create_many(conn, [second])


def test_the_same_ids_may_be_linked_in_another_company_or_entity(conn: Connection) -> None:
    others = [pair(1, "zenith"), NewLink("acme", "job", "c1", "1")]
    assert len(links.create_many(conn, [pair(1), *others])) == 3


def test_links_without_one_id_do_not_collide(conn: Connection) -> None:
    half = [NewLink("acme", "customer", f"c{n}", None) for n in range(3)]
    assert len(set(links.create_many(conn, half))) == 3


def test_an_update_moves_what_it_names_and_keeps_the_rest(conn: Connection) -> None:
    first, second = links.create_many(conn, [pair(1), pair(2)])
    moves = [
        LinkUpdate(first, base={"total": Decimal("10.10")}, contractor_hash="h1", quickbooks_hash="h2"),
        LinkUpdate(second, state=LinkState.VOIDED, quickbooks_changed={"name": "2026-03-02T12:00:00+00:00"}),
    ]
    assert links.update_base_many(conn, "acme", moves) == 2
    stored = links.get_many(conn, "acme", [first, second])
    assert stored[first].base == {"total": Decimal("10.10")}
    assert (stored[first].contractor_hash, stored[first].quickbooks_hash) == ("h1", "h2")
    assert stored[first].match_class == "exact"
    assert stored[second].base == {"name": "N2"}
    assert stored[second].state is LinkState.VOIDED
    assert stored[second].quickbooks_changed == {"name": "2026-03-02T12:00:00+00:00"}


def test_changed_fields_can_be_cleared(conn: Connection) -> None:
    [link] = links.create_many(conn, [NewLink("acme", "customer", "c1", "1", contractor_changed={"name": "t"})])
    links.update_base_many(conn, "acme", [LinkUpdate(link, contractor_changed={})])
    assert links.get_many(conn, "acme", [link])[link].contractor_changed == {}


def test_a_half_link_takes_the_id_it_lacked(conn: Connection) -> None:
    [link] = links.create_many(conn, [NewLink("acme", "customer", "c1", None)])
    links.update_base_many(conn, "acme", [LinkUpdate(link, quickbooks_id="77")])
    assert links.find(conn, "acme", "customer", QBO, ["77"])["77"].contractor_id == "c1"


def test_another_companys_link_is_not_updated_read_or_removed(conn: Connection) -> None:
    [theirs] = links.create_many(conn, [pair(1, "zenith")])
    assert links.update_base_many(conn, "acme", [LinkUpdate(theirs, base={})]) == 0
    assert links.get_many(conn, "acme", [theirs]) == {}
    assert links.remove(conn, "acme", [theirs]) == 0


def test_native_ids_and_link_ids_map_both_ways(conn: Connection) -> None:
    one, two = links.create_many(conn, [pair(1), NewLink("acme", "customer", "c2", None)])
    assert links.link_ids(conn, "acme", "customer", CON, ["c1", "c2", "c3"]) == {"c1": one, "c2": two}
    assert links.native_ids(conn, "acme", "customer", [one, two]) == {one: NativeIds("c1", "1"),
                                                                      two: NativeIds("c2", None)}  # fmt: skip
    assert [x.id for x in links.everything(conn, "acme", "customer")] == [one, two]


def test_ten_thousand_links_are_created_and_moved_in_seconds(conn: Connection) -> None:
    started = time.monotonic()
    ids = links.create_many(conn, [pair(n) for n in range(10_000)])
    assert links.update_base_many(conn, "acme", [LinkUpdate(i, base={"n": i}, contractor_hash="h") for i in ids])
    assert len(links.link_ids(conn, "acme", "customer", QBO, map(str, range(10_000)))) == 10_000
    assert time.monotonic() - started < 15
