"""A QuickBooks that answers with pages, halves, faults in 200s, other records, or nothing at all.

Invariant shown here: nothing is taken for done that was not read back, every failure is one clear line or a named
exception, and once the server behaves again both sides agree and nothing exists twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline_tests.end_to_end import hostile
from qb_pipeline_tests.end_to_end.cli_running import Ended
from qb_pipeline_tests.end_to_end.harness import Raw, is_write
from qb_pipeline_tests.end_to_end.hostile import EVERYTHING, NONSENSE, Rule, Spoil, changed, renamed
from qb_pipeline_tests.end_to_end.hostile_office import Office, clear, hostile_office

# What the ways of reading, which share their code, all meet; the rest meets the changes only.
SOME = (
    "a page with 200",
    "a page with 502",
    "half a document",
    "a fault in a 200",
    "a closed connection",
    "a redirect",
)
READS = {"the changes": "GET .*/cdc", "a query": "GET .*/query", "the preferences": "GET .*/preferences"}
ASKED = [
    (what, name)
    for number, name in enumerate(NONSENSE)
    for n, what in enumerate(READS)
    if EVERYTHING or n == (number % len(READS) if name in SOME else 0)
]


@dataclass(frozen=True)
class Channel:
    """A way of writing: its request, and how many new customers and items of the contractor's travel so."""

    at: str
    customers: int
    items: int

    def enter(self, office: Office) -> list[Raw]:
        return [*office.customers(self.customers), *(office.item() for _ in range(self.items))]


@pytest.fixture(scope="module")
def company(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with hostile_office(tmp_path_factory.mktemp("hostile"), template_url) as office:
        yield office


@pytest.fixture
def office(company: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The company, with a clock that doesn't make us wait between two tries."""
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: None)
    return company


@pytest.mark.parametrize(
    ("what", "nonsense"),
    [
        pytest.param(what, NONSENSE[name], id=f"{what}, {name}")
        for what, name in ASKED
        if what == "the changes" or name in SOME
    ],
)
def test_nonsense_for_a_read_ends_the_run_with_one_clear_line_and_writes_nothing(
    office: Office, what: str, nonsense: Spoil
) -> None:
    new = office.bookkeepers_customer()
    before = {side: box.requests_since(0)[1] for side, box in _boxes(office)}
    with office.between.spoiling(Rule(READS[what], nonsense)):
        clear(office.sync().failure())
    assert [w for side, box in _boxes(office) for w in _writes(box, before[side])] == []
    assert office.made.rows("select * from run where status = 'succeeded' and error is not null") == []
    assert new["DisplayName"] not in {c["name"] for c in office.own.all("customers")}


def _boxes(office: Office) -> tuple[tuple[str, Any], ...]:
    return (("quickbooks", office.made.quickbooks), ("contractor", office.made.contractor))


def _writes(box: Any, since: int) -> list[Raw]:
    return [r for r in box.requests_since(since)[0] if is_write(r)]


def _other_rows(document: Any) -> Any:
    """Vendors where something else was asked for."""
    block = document["QueryResponse"]
    return {"QueryResponse": {("Vendor" if isinstance(v, list) else k): v for k, v in block.items()}}


def _other_changes(document: Any) -> Any:
    blocks = document["CDCResponse"][0]["QueryResponse"]
    blocks[0]["Vendor"] = blocks[0].pop("Customer", [])
    return document


def _blocks(blocks: Any) -> Spoil:
    return changed(lambda _document: {"CDCResponse": [{"QueryResponse": blocks}]})


@pytest.mark.parametrize(
    ("at", "spoil"),
    [
        pytest.param("GET .*/query", changed(_other_rows), id="rows of another entity"),
        pytest.param("GET .*/query", changed(lambda d: {"time": "now"}), id="no rows' place"),
        pytest.param("GET .*/cdc", changed(_other_changes), id="changes of another entity"),
        pytest.param("GET .*/cdc", changed(lambda d: {"CDCResponse": [hostile.FAULT]}), id="a fault among changes"),
        pytest.param("GET .*/cdc", changed(lambda d: {"CDCResponse": "later"}), id="changes that are a word"),
        pytest.param("GET .*/cdc", _blocks("none"), id="blocks that are a word"),
        pytest.param("GET .*/cdc", _blocks([None]), id="a block that is nothing"),
        pytest.param("GET .*/cdc", _blocks([{"Customer": {"Id": "1"}}]), id="changes that are no list"),
        pytest.param("GET .*/cdc", _blocks([{"Customer": ["one"]}]), id="a change that is a word"),
        pytest.param("GET .*/cdc", _blocks([{"Customer": [{"DisplayName": "A"}]}]), id="a change without an id"),
        pytest.param("GET .*/cdc", _blocks([{"Customer": [{"status": "Deleted"}]}]), id="a deletion without an id"),
        pytest.param("GET .*/preferences", renamed("Preferences", "CompanyInfo"), id="another singleton"),
    ],
)
def test_the_wrong_entity_in_a_read_ends_the_run_with_one_clear_line(office: Office, at: str, spoil: Spoil) -> None:
    office.bookkeepers_customer()
    with office.between.spoiling(Rule(at, spoil)):
        clear(office.sync().failure())


def _without_rows(document: Any) -> Any:
    document["CDCResponse"][0]["QueryResponse"].pop()
    for block in document["CDCResponse"][0]["QueryResponse"]:
        block.pop("Customer", None)
    return document


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(changed(lambda _document: {"CDCResponse": []}), id="no answer for any object"),
        pytest.param(changed(lambda _document: {"CDCResponse": [{}]}), id="an answer without blocks"),
        pytest.param(_blocks([]), id="no blocks"),
        pytest.param(changed(_without_rows), id="one block too few"),
    ],
)
def test_objects_that_change_data_capture_leaves_unanswered_are_asked_for_by_query(
    office: Office, spoil: Spoil
) -> None:
    new = office.bookkeepers_customer()
    with office.between.spoiling(Rule("GET .*/cdc", spoil)):
        assert office.sync().code == 0
    assert new["DisplayName"] in {c["name"] for c in office.own.all("customers")}


def test_a_server_that_answers_nothing_is_not_waited_for_longer_than_the_setting_says(office: Office) -> None:
    office.bookkeepers_customer()
    with office.between.spoiling(Rule("GET .*/cdc", hostile.silence)):
        line = office.sync().failure()
    assert "did not answer in time" in line


NEVER_ARRIVED = ("a page with 502", "a closed connection", "a redirect")  # the rest differs by the true answer only
SINGLE, BATCH = Channel("POST .*/item", 0, 1), Channel("POST .*/batch", 2, 0)
WAYS = (
    {"a single write": [SINGLE], "a batch": [BATCH]} if EVERYTHING else {"a batch and a single write": [BATCH, SINGLE]}
)
WRITE_CASES = [
    pytest.param(ways, applied, spoil, id=f"{how}, {name}, {'carried out' if applied else 'not carried out'}")
    for how, ways in WAYS.items()
    for name, spoil in NONSENSE.items()
    for applied in (True, *([False] if name in NEVER_ARRIVED else []))
]


@pytest.mark.parametrize(("ways", "applied", "spoil"), WRITE_CASES)
def test_nonsense_for_a_write_is_never_success_and_the_next_run_makes_it_good_once(
    office: Office, ways: list[Channel], applied: bool, spoil: Spoil
) -> None:
    made = [way.enter(office) for way in ways]
    rules = [Rule(way.at, spoil, applied=applied, holding=new[0]["name"]) for way, new in zip(ways, made, strict=True)]
    with office.between.spoiling(*rules):
        ended = office.sync()
    _owed_and_said(office, ended, [record for new in made for record in new])
    _made_good(office, [record for new in made for record in new])


def _made_good(office: Office, made: list[Raw]) -> None:
    """What the run before this one left owing was made good by this one, before it met its own nonsense."""
    if EVERYTHING:
        office.sync().success()
        office.once(made)
        return
    office.once(office.unpaid)
    office.unpaid = made


def _owed_and_said(office: Office, ended: Ended, made: list[Raw]) -> None:
    """What was not read back is linked to nothing, and the run failed in one line or each record has its exception."""
    assert [link for c in made for link in office.links(c["id"]) if link["quickbooks_id"] is not None] == []
    if ended.code != 0:
        clear(ended.failure())
        return
    found = {e["record_id"]: e for e in office.open_exceptions()}
    assert set(found) == {c["id"] for c in made}
    for each in found.values():
        assert each["code"].startswith(("qbo_", "unexpected_answer")), each
        assert each["cause"].endswith("."), each
        assert each["fix"].endswith("."), each
        assert "\n" not in each["cause"] + each["fix"], each


def _responses(change: Callable[[list[Raw]], list[Raw]]) -> Spoil:
    """The answer to a batch with other items in it."""
    return changed(lambda d: {**d, "BatchItemResponse": change(d["BatchItemResponse"])})


def _with_object(change: Callable[[Raw], Raw], at: int = 0) -> Callable[[list[Raw]], list[Raw]]:
    def spoil(items: list[Raw]) -> list[Raw]:
        spoilt = {**items[at], "Customer": change(items[at]["Customer"])}
        return [*items[:at], spoilt, *items[at + 1 :]]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_responses(lambda items: items[:-1]), id="an item missing"),
        pytest.param(_responses(lambda items: []), id="no item"),
        pytest.param(_responses(lambda items: [*items, items[0]]), id="an item answered twice"),
        pytest.param(
            _responses(lambda items: [*items, {**items[0], "Customer": items[1]["Customer"]}]),
            id="an item answered twice, differently",
        ),
        pytest.param(_responses(lambda items: [*items[:-1], {**items[-1], "bId": "99"}]), id="an unknown bId"),
        pytest.param(
            _responses(lambda items: [{"bId": i["bId"], "Vendor": i["Customer"]} for i in items]), id="other entities"
        ),
        pytest.param(_responses(lambda items: [{"bId": i["bId"]} for i in items]), id="items with nothing in them"),
        pytest.param(changed(lambda d: {**d, "BatchItemResponse": {"bId": "1"}}), id="items that are no list"),
        pytest.param(changed(lambda d: {**d, "BatchItemResponse": [None, "1"]}), id="items that are no objects"),
        pytest.param(_responses(_with_object(lambda o: {k: v for k, v in o.items() if k != "Id"})), id="no Id"),
    ],
)
def test_a_batch_answered_for_other_items_than_were_sent_is_asked_for_again(office: Office, spoil: Spoil) -> None:
    made = office.customers(3)
    with office.between.spoiling(Rule("POST .*/batch", spoil, holding=made[0]["name"])):
        office.sync()
    told = {e["record_id"] for e in office.open_exceptions()}
    assert told, "nobody was told"
    assert told <= {c["id"] for c in made}, "what was owed before is owed still"
    _made_good(office, made)


def test_a_batch_answered_in_another_order_is_taken_as_it_is(office: Office) -> None:
    made = office.customers(3)
    with office.between.spoiling(Rule("POST .*/batch", _responses(lambda items: items[::-1]))):
        document = office.sync().success().document["companies"][0]
    assert document["writes"] == 3
    by_id = {c["Id"]: c["DisplayName"] for c in office.books.all("Customer")}
    assert [by_id[office.links(c["id"])[0]["quickbooks_id"]] for c in made] == [c["name"] for c in made]


@pytest.mark.parametrize("number", [1, 3], ids=["alone", "in a batch"])
def test_an_update_answered_with_another_record_moves_no_link_and_no_base(office: Office, number: int) -> None:
    made, other = office.customers(number), office.bookkeepers_customer()
    office.sync().success()
    for customer in made:
        office.own.edit("customers", customer["id"], {"email": f"new-{customer['id']}@example.com"})
    before = [office.links(c["id"])[0]["quickbooks_id"] for c in made]
    foreign = office.books.get("Customer", other["Id"])
    spoil = (
        changed(lambda d: {**d, "Customer": foreign}) if number == 1 else _responses(_with_object(lambda _o: foreign))
    )
    with office.between.spoiling(Rule("POST .*/(customer|batch)", spoil)):
        ended = office.sync()
    assert ended.code != 0 or office.open_exceptions(), "nobody was told"
    office.sync().success()
    assert [office.links(c["id"])[0]["quickbooks_id"] for c in made] == before
    assert {e["PrimaryEmailAddr"]["Address"] for c in made for e in office.named(c["name"])} == {
        f"new-{c['id']}@example.com" for c in made
    }
    assert office.open_exceptions() == []


def test_a_write_with_nothing_but_silence_behind_is_asked_for_again_under_the_same_key(office: Office) -> None:
    (made,) = office.customers(1)
    since = office.made.quickbooks.requests_since(0)[1]
    with office.between.spoiling(Rule("POST .*/customer", hostile.silence, applied=True)):
        _owed_and_said(office, office.sync(), [made])
    office.sync().success()
    asked = _writes(office.made.quickbooks, since)
    assert len(asked) == 2, asked
    assert len(office.named(made["name"])) == 1


TOKENS: dict[str, Spoil] = {
    **{n: NONSENSE[n] for n in ("a page with 200", "a page with 502", "half a document", "an empty body", "a list")},
    **{n: NONSENSE[n] for n in ("a closed connection", "a redirect", "broken gzip", "endless nesting", "a huge blank")},
    "no access token": changed(lambda d: {k: v for k, v in d.items() if k != "access_token"}),
    "a lifetime that is a word": changed(lambda d: {**d, "expires_in": "soon"}),
    "a fault in a 200": changed(lambda d: {"error": "server_error", "error_description": "later"}),
    "a null for a token": changed(lambda d: {**d, "access_token": None}),
    "an empty token": changed(lambda d: {**d, "refresh_token": ""}),
    "a 503": lambda _s, _t: hostile.Answer(503, hostile.JSON, b"{}"),
}


@pytest.mark.parametrize(
    ("spoil", "applied"),
    [
        pytest.param(s, a, id=f"{name}, {'carried out' if a else 'not carried out'}")
        for name, s in TOKENS.items()
        for a in (True, *([False] if name in NEVER_ARRIVED else []))
    ],
)
def test_nonsense_for_a_token_refresh_is_one_clear_line_and_the_company_stays_connected(
    office: Office, spoil: Spoil, applied: bool
) -> None:
    made = office.bookkeepers_customer()
    _token_ends(office)
    with office.between.spoiling(Rule("POST .*/tokens/bearer", spoil, applied=applied)):
        clear(office.sync().failure())
    assert office.made.rows("select state from company") == [{"state": "connected"}]
    if EVERYTHING:
        office.sync().success()
        assert made["DisplayName"] in {c["name"] for c in office.own.all("customers")}


def test_a_refresh_without_another_refresh_token_goes_on_with_the_former_one(office: Office) -> None:
    office.bookkeepers_customer()
    without = changed(lambda d: {k: v for k, v in d.items() if k != "refresh_token"})
    for _ in range(2):
        _token_ends(office)
        with office.between.spoiling(Rule("POST .*/tokens/bearer", without)):
            office.sync().success()


def _token_ends(office: Office) -> None:
    with psycopg.connect(office.made.environment()["QB_DATABASE_URL"]) as conn:
        conn.execute("update qb.token set access_expires_at = now()")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(s, id=name)
        for name, s in {
            **{n: s for n, s in NONSENSE.items() if n not in ("a length within the body", "NaN")},
            "no token address": changed(lambda d: {k: v for k, v in d.items() if k != "token_endpoint"}),
            "an insecure token address": changed(lambda d: {**d, "token_endpoint": "http://example.com/token"}),
            "an address that is a number": changed(lambda d: {**d, "token_endpoint": 7}),
        }.items()
    ],
)
def test_nonsense_for_the_discovery_document_is_one_clear_line_and_the_company_stays_connected(
    office: Office, spoil: Spoil
) -> None:
    _token_ends(office)
    with office.between.spoiling(Rule("GET .*openid", spoil)):
        clear(office.sync().failure())
    assert office.made.rows("select state from company") == [{"state": "connected"}]
    if EVERYTHING:
        office.sync().success()


def test_after_it_all_both_sides_agree_and_nothing_exists_twice(office: Office) -> None:
    office.heal()
    office.once(office.unpaid)
    office.judged()
