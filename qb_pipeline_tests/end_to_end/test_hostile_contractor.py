"""A contractor's system that answers with pages, halves, other records, or nothing at all.

Invariant shown here: nothing is taken for done that was not read back, every failure is one clear line or a named
exception, and once the system behaves again both sides agree and nothing exists twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qb_pipeline.contractor import transport
from qb_pipeline.errors import RetryLater
from qb_pipeline.store import inbox
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.inbox import Event
from qb_pipeline_tests.end_to_end import hostile
from qb_pipeline_tests.end_to_end.harness import COMPANY, Raw
from qb_pipeline_tests.end_to_end.hostile import EVERYTHING, NONSENSE, Answer, Rule, Spoil, changed, page
from qb_pipeline_tests.end_to_end.hostile_office import Office, clear, hostile_office
from qb_pipeline_tests.faults.post import look
from qb_pipeline_tests.unit.console.running import settings_for

# Where an answer has no more in it than a Fault of QuickBooks' own, it is none of this system's.
ANSWERS = {name: spoil for name, spoil in NONSENSE.items() if name != "NaN"}


@pytest.fixture(scope="module")
def company(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with hostile_office(tmp_path_factory.mktemp("contractor"), template_url, "hostile_own") as office:
        yield office


@pytest.fixture
def office(company: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The company, without the pauses between two tries."""
    monkeypatch.setattr(transport, "_backoff", lambda _attempt: 0.0)
    return company


@pytest.mark.parametrize("spoil", [pytest.param(s, id=name) for name, s in ANSWERS.items()])
def test_nonsense_for_a_read_ends_the_run_with_one_clear_line(office: Office, spoil: Spoil) -> None:
    (made,) = office.customers(1)
    with office.before_own.spoiling(Rule("GET .*/customers", spoil)):
        clear(office.sync().failure())
    assert office.named(made["name"]) == []


def _page(change: Any) -> Spoil:
    return changed(lambda d: {**d, "data": change(d["data"])})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(changed(lambda d: {k: v for k, v in d.items() if k != "data"}), id="no rows' place"),
        pytest.param(_page(lambda rows: {"first": rows}), id="rows that are no list"),
        pytest.param(_page(lambda rows: [None, 7, *rows]), id="rows that are no objects"),
        pytest.param(_page(lambda rows: [{k: v for k, v in r.items() if k != "id"} for r in rows]), id="no ids"),
    ],
)
def test_a_page_that_is_none_ends_the_run_with_one_clear_line(office: Office, spoil: Spoil) -> None:
    office.customers(1)
    with office.before_own.spoiling(Rule("GET .*/customers", spoil)):
        clear(office.sync().failure())


NEVER_ARRIVED = ("a page with 502", "a closed connection", "a redirect")
WRITE_CASES = [
    (f"{name}, {'carried out' if applied else 'not carried out'}", spoil, applied)
    for name, spoil in ANSWERS.items()
    for applied in (True, *([False] if name in NEVER_ARRIVED else []))
]
# Every record is sent alone, so that one run can meet several; more than a few would pass for a system that is down.
AT_ONCE = 1 if EVERYTHING else 4
TOGETHER = [WRITE_CASES[n :: -(-len(WRITE_CASES) // AT_ONCE)] for n in range(-(-len(WRITE_CASES) // AT_ONCE))]


@pytest.mark.parametrize("cases", [pytest.param(c, id="; ".join(name for name, _, _ in c)) for c in TOGETHER])
def test_nonsense_for_a_write_is_never_success_and_the_next_run_makes_it_good_once(
    office: Office, cases: list[tuple[str, Spoil, bool]]
) -> None:
    made = [office.bookkeepers_customer() for _ in cases]
    names = [m["DisplayName"] for m in made]
    rules = [
        Rule("POST .*/customers", spoil, applied=applied, holding=name)
        for name, (_, spoil, applied) in zip(names, cases, strict=True)
    ]
    with office.before_own.spoiling(*rules):
        ended = office.sync()
    for each in made:
        _owed_and_said(office, each, ended.code)
    office.sync().success()
    assert [[c["name"] for c in office.own.all("customers")].count(name) for name in names] == [1] * len(names)
    assert office.open_exceptions() == []


def _owed_and_said(office: Office, made: Raw, code: int) -> None:
    of_it = f"entity = 'customer' and quickbooks_id = '{made['Id']}'"
    links = office.made.rows(f"select * from link where {of_it} and contractor_id is not null")
    assert links == []
    if code == 0:
        (found,) = (e for e in office.open_exceptions() if e["record_id"] == made["Id"])
        assert found["cause"].endswith("."), found
        assert found["fix"].endswith("."), found
        assert "\n" not in found["cause"] + found["fix"], found


def test_an_update_answered_with_another_customer_moves_no_link(office: Office) -> None:
    (other,) = office.customers(1)
    made = office.bookkeepers_customer()
    office.sync().success()
    office.books.edit("Customer", made["Id"], {"PrimaryEmailAddr": {"Address": "new@example.com"}})
    with office.before_own.spoiling(Rule("PATCH .*/customers", changed(lambda _d: other))):
        ended = office.sync()
    assert ended.code != 0 or office.open_exceptions(), "nobody was told"
    office.sync().success()
    (mine,) = (c for c in office.own.all("customers") if c["name"] == made["DisplayName"])
    assert mine["email"] == "new@example.com"
    assert office.links(mine["id"])[0]["quickbooks_id"] == made["Id"]


def test_a_key_refused_in_the_middle_of_a_run_is_one_line_that_asks_for_a_new_one(office: Office) -> None:
    office.bookkeepers_customer()
    refused = Answer(401, hostile.JSON, b'{"title": "Unauthorized", "status": 401}')
    with office.before_own.spoiling(Rule("POST .*/customers", lambda _s, _t: refused, applied=False)):
        line = office.sync().failure()
    clear(line)
    assert "key" in line
    office.sync().success()


def _look_through_a_proxys_page(office: Office, entity: str, record_id: str, status: int) -> None:
    """A webhook names the record, and something in between answers its read with a page of its own."""
    engine = make_engine(office.made.database_url)
    own = settings_for(office.made.home, database_url=office.made.database_url, rate_scale=0)
    event = Event("contractor", entity, record_id, "updated", f"proxy-{entity}-{status}", company=COMPANY)
    with engine.begin() as conn:
        inbox.store(conn, [event])
    with (
        office.before_own.spoiling(Rule(f"GET .*/{entity}s/{record_id}", page(status))),
        pytest.raises(RetryLater, match=f"answered {status} without the words of"),
    ):
        look(engine, own)
    engine.dispose()
    assert office.sync().code == 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_proxys_404_for_a_record_that_a_webhook_names_removes_nothing(office: Office, status: int) -> None:
    (customer,) = office.customers(1)
    assert office.sync().code == 0
    _look_through_a_proxys_page(office, "customer", customer["id"], status)
    assert [c["Active"] for c in office.named(customer["name"])] == [True]


def test_a_proxys_404_for_an_invoice_that_a_webhook_names_voids_nothing(office: Office) -> None:
    (customer,) = office.customers(1)
    line = {"item_id": office.item()["id"], "quantity": "1", "unit_price": "100.00", "description": "Labor"}
    bill = {"number": "PROXY-1", "customer_id": customer["id"], "issue_date": "2026-11-01", "status": "sent"}
    invoice = office.own.create("invoices", {**bill, "lines": [line]})
    office.entered["contractor"].add(("invoice", invoice["id"]))
    assert office.sync().code == 0
    _look_through_a_proxys_page(office, "invoice", invoice["id"], 404)
    totals = [i["TotalAmt"] for i in office.books.all("Invoice") if i["DocNumber"] == "PROXY-1"]
    assert totals == [100]


def test_a_creation_answered_with_another_customer_is_not_linked_to_it_and_a_person_is_asked(office: Office) -> None:
    (other,) = office.customers(1)
    office.sync().success()
    linked = office.links(other["id"])
    made = office.bookkeepers_customer()
    with office.before_own.spoiling(Rule("POST .*/customers", changed(lambda _d: other))):
        office.sync()
    office.sync()
    assert [link["quickbooks_id"] for link in office.links(other["id"])] == [linked[0]["quickbooks_id"]]
    (asked,) = office.open_exceptions()
    assert asked["code"] == "copy_taken"
    _do_what_it_says(office, asked["fix"])
    office.sync()
    assert office.open_exceptions() == []
    (copy,) = (c for c in office.own.all("customers") if c["name"] == made["DisplayName"])
    office.command("review", "link", copy["id"], made["Id"]).success()  # both wait in the list of what to review
    office.sync().success()
    assert office.links(copy["id"])[0]["quickbooks_id"] == made["Id"]


def _do_what_it_says(office: Office, fix: str) -> None:
    """The two are different records: what the exception names for that, word for word."""
    command = fix.split("If they are two records: qb-pipeline ")[1].rstrip(".")
    office.command(*command.split()).success()


def test_after_it_all_both_sides_agree_and_nothing_exists_twice(office: Office) -> None:
    office.heal()
    office.judged()
