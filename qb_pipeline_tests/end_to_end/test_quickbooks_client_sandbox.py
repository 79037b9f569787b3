"""The client against the sandbox server as a process of its own: consent, tokens, every kind of call, replay.

Invariant shown here: whatever happens to an answer, one request id makes one object.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
import requests
import simplejson

from qb_pipeline.errors import NotFound, PlanAgain, PossibleDuplicate, Reconnect
from qb_pipeline.quickbooks.batches import BatchItem, batch_body, batch_outcomes, encode
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.oauth import Endpoints, Grant, OAuth
from qb_pipeline.quickbooks.queries import quote
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource

CALLBACK = "http://localhost:8000/callback"


@dataclass(frozen=True)
class Running:
    """One sandbox process: what its first line says, and its app's consent already given."""

    info: dict[str, Any]
    app: OAuth
    grant: Grant

    def control(self, name: str, body: object) -> None:
        requests.post(f"{self.info['base_url']}/_sandbox/{name}", json=body, timeout=10).raise_for_status()

    def company(self, limits: Limits | None = None) -> QuickBooksClient:
        """A client of its own with the tokens the sandbox gives out for tests."""
        pair = requests.post(
            f"{self.info['base_url']}/_sandbox/token", json={"realm_id": self.info["realm_id"]}, timeout=10
        ).json()
        now = datetime.now(UTC)
        tokens = type(self.grant.tokens)(
            pair["access_token"], pair["refresh_token"], now + timedelta(hours=1), now + timedelta(days=100)
        )
        source = TokenSource(InMemoryTokenStore(tokens), self.app)
        throttle = Throttle(limits or Limits.unlimited())
        return QuickBooksClient(self.info["realm_id"], self.info["base_url"], source, throttle, timeout=(5, 20))


def consent(app: OAuth) -> Grant:
    page = requests.get(app.authorize_url("st4te") + "&sandbox_consent=auto", allow_redirects=False, timeout=10)
    assert page.status_code in (302, 303), page.text
    assert page.headers["Location"].startswith(CALLBACK)
    return app.exchange(page.headers["Location"], state="st4te")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", "quickbooks", "--port", "0", "--empty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            info = simplejson.loads(process.stdout.readline())
            app = OAuth(Endpoints.discover(info["discovery_url"]), info["client_id"], info["client_secret"], CALLBACK)
            yield Running(info, app, consent(app))
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def client(sandbox: Running) -> Iterator[QuickBooksClient]:
    yield sandbox.company()
    requests.delete(f"{sandbox.info['base_url']}/_sandbox/faults", timeout=10).raise_for_status()


def create(client: QuickBooksClient, name: str, **body: Any) -> dict[str, Any]:
    document = encode(body)
    return client.post(name, document, request_id=sha256(name.encode() + document).hexdigest()[:40]).object


def invoice(client: QuickBooksClient, label: str) -> dict[str, Any]:
    """An invoice over 250.50 with the customer, item and account it needs."""
    income = create(client, "Account", Name=f"Sales {label}", AccountType="Income")
    item = create(client, "Item", Name=f"Work {label}", Type="Service", IncomeAccountRef={"value": income["Id"]})
    customer = create(client, "Customer", DisplayName=f"Customer {label}")
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": Decimal(1), "UnitPrice": Decimal("250.50")}
    line = {"Amount": Decimal("250.50"), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    return create(client, "Invoice", DocNumber=label, CustomerRef={"value": customer["Id"]}, Line=[line])


def version(found: dict[str, Any], **more: Any) -> bytes:
    return encode({"Id": found["Id"], "SyncToken": found["SyncToken"], "sparse": True, **more})


def test_consent_gives_a_realm_and_tokens_that_open_it(sandbox: Running) -> None:
    assert sandbox.grant.realm_id == sandbox.info["realm_id"]
    source = TokenSource(InMemoryTokenStore(sandbox.grant.tokens), sandbox.app)
    client = QuickBooksClient(sandbox.grant.realm_id, sandbox.info["base_url"], source, Throttle())
    assert client.company_info()["CompanyName"]
    assert client.preferences()["Id"]


def test_a_code_opens_only_once(sandbox: Running) -> None:
    page = requests.get(sandbox.app.authorize_url("s") + "&sandbox_consent=auto", allow_redirects=False, timeout=10)
    sandbox.app.exchange(page.headers["Location"], state="s")
    with pytest.raises(Reconnect):
        sandbox.app.exchange(page.headers["Location"], state="s")


def test_an_expired_access_token_is_refreshed_on_the_way(sandbox: Running, client: QuickBooksClient) -> None:
    sandbox.control("faults", [{"match": {"path": "/query"}, "action": "expire_token", "times": 1}])
    assert client.count("Customer") >= 0
    assert client.calls["query"] == 2


def test_a_revoked_grant_asks_to_connect_again(sandbox: Running) -> None:
    grant = consent(sandbox.app)
    assert sandbox.app.revoke(grant.tokens.refresh_token)
    with pytest.raises(Reconnect):
        sandbox.app.refresh(grant.tokens.refresh_token)


def test_a_customer_is_created_read_found_changed_and_made_inactive(client: QuickBooksClient) -> None:
    made = create(client, "Customer", DisplayName="O'Neil & Söhne")
    assert client.read("Customer", made["Id"])["DisplayName"] == "O'Neil & Söhne"
    found = client.query(f"SELECT * FROM Customer WHERE DisplayName = {quote(made['DisplayName'])}").object_rows
    assert [each["Id"] for each in found] == [made["Id"]]
    changed = client.post("Customer", version(made, CompanyName="O'Neil"), request_id="c1", operation="update").object
    assert changed["SyncToken"] != made["SyncToken"]
    client.post("Customer", version(changed, Active=False), request_id="c2", operation="update")
    by_id = f"Id = {quote(made['Id'])}"
    assert list(client.pages("Customer", where=by_id)) == []
    (gone,) = next(client.pages("Customer", where=by_id, active_too=True))
    assert gone["Active"] is False


def test_a_stale_version_is_planned_again_and_a_taken_name_is_a_possible_duplicate(client: QuickBooksClient) -> None:
    made = create(client, "Customer", DisplayName="Stale Farm")
    client.post("Customer", version(made, CompanyName="One"), request_id="s1", operation="update")
    with pytest.raises(PlanAgain) as stale:
        client.post("Customer", version(made, CompanyName="Two"), request_id="s2", operation="update")
    assert stale.value.code == "qbo_5010"
    assert stale.value.reference
    with pytest.raises(PossibleDuplicate) as taken:
        client.post("Customer", encode({"DisplayName": "Stale Farm"}), request_id="s3")
    assert taken.value.code == "qbo_6240"


def test_pages_give_every_object_once_in_order(client: QuickBooksClient) -> None:
    for number in range(7):
        create(client, "Vendor", DisplayName=f"Paged {number}")
    pages = list(client.pages("Vendor", where="DisplayName LIKE 'Paged%'", page_size=3))
    ids = [int(row["Id"]) for page in pages for row in page]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert ids == sorted(set(ids))
    assert client.count("Vendor", "DisplayName LIKE 'Paged%'") == 7


def test_an_invoice_is_paid_and_both_are_voided(client: QuickBooksClient) -> None:
    made = invoice(client, "V-1")
    assert made["TotalAmt"] == Decimal("250.50")
    linked = {"Amount": Decimal("250.50"), "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    payment = create(client, "Payment", CustomerRef=made["CustomerRef"], TotalAmt=Decimal("250.50"), Line=[linked])
    assert client.read("Invoice", made["Id"])["Balance"] == 0
    voided = client.post("Payment", version(payment), request_id="v1", operation="void").object
    assert voided["TotalAmt"] == 0
    owed = client.read("Invoice", made["Id"])
    assert owed["Balance"] == Decimal("250.50")
    assert client.post("Invoice", version(owed), request_id="v2", operation="void").object["TotalAmt"] == 0


def test_a_deleted_invoice_leaves_a_tombstone_and_is_not_found(client: QuickBooksClient) -> None:
    since = datetime.now(UTC) - timedelta(minutes=5)
    kept, removed = invoice(client, "T-1"), invoice(client, "T-2")
    assert client.post("Invoice", version(removed), request_id="t1", operation="delete").deleted
    changes = client.cdc(["Invoice", "Customer"], since)
    assert removed["Id"] in [gone for gone, _ in changes.tombstones["Invoice"]]
    assert kept["Id"] in [each["Id"] for each in changes.objects["Invoice"]]
    assert changes.objects["Customer"]
    with pytest.raises(NotFound):
        client.read("Invoice", removed["Id"])


def test_the_items_of_a_batch_stand_alone_and_a_resent_batch_is_replayed(client: QuickBooksClient) -> None:
    taken = create(client, "Vendor", DisplayName="Taken")
    names = {"b1": "Batch one", "b2": taken["DisplayName"], "b3": "Batch three"}
    body = batch_body([BatchItem(bid, "create", "Vendor", {"DisplayName": name}) for bid, name in names.items()])
    first = client.batch(body, request_id="batch-1")
    again = client.batch(body, request_id="batch-1")
    assert isinstance(first.outcomes["b2"].error, PossibleDuplicate)
    created = {bid: outcome.object["Id"] for bid, outcome in first.outcomes.items() if outcome.object}
    assert created.keys() == {"b1", "b3"}
    assert {bid: outcome.object["Id"] for bid, outcome in again.outcomes.items() if outcome.object} == created
    assert batch_outcomes(again.raw).keys() == names.keys()
    assert client.count("Vendor", "DisplayName LIKE 'Batch%'") == 2


def test_a_payment_is_voided_in_a_batch(client: QuickBooksClient) -> None:
    customer = create(client, "Customer", DisplayName="Batch void")
    payment = create(client, "Payment", CustomerRef={"value": customer["Id"]}, TotalAmt=Decimal("12.30"))
    body = {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True}
    answer = client.batch(batch_body([BatchItem("v", "update", "Payment", body, void=True)]), request_id="batch-void")
    voided = answer.outcomes["v"].object
    assert voided is not None
    assert voided["TotalAmt"] == 0


@pytest.mark.parametrize("action", ["drop_after", "drop_before"])
def test_a_create_whose_answer_is_lost_makes_one_object(
    sandbox: Running, client: QuickBooksClient, action: str
) -> None:
    sandbox.control("faults", [{"match": {"method": "POST", "entity": "Customer"}, "action": action, "times": 2}])
    made = create(client, "Customer", DisplayName=f"Lost {action}")
    assert client.calls["write"] == 3
    found = client.query(f"SELECT * FROM Customer WHERE DisplayName = 'Lost {action}'").object_rows
    assert [each["Id"] for each in found] == [made["Id"]]


def test_staying_inside_the_limits_draws_hardly_a_429_in_scaled_time(sandbox: Running) -> None:
    sandbox.control("limits", {"enforce": True, "time_scale": 20})
    try:
        client = sandbox.company(Limits(scale=20))
        for _ in range(60):
            client.count("Customer")
        # Each 429 is repeated and so counted; a busy machine may delay a call by more than the jitter allowed for.
        assert client.calls["query"] <= 61
    finally:
        sandbox.control("limits", {"enforce": False, "time_scale": 1})


def test_a_burst_beyond_the_limits_waits_out_its_429_and_loses_nothing(sandbox: Running) -> None:
    sandbox.control("limits", {"enforce": True, "time_scale": 1})
    try:
        client = sandbox.company(Limits.unlimited(scale=60))  # unthrottled, with a penalty of one second
        assert len({client.count("Customer") for _ in range(14)}) == 1
        assert client.calls["query"] > 14
    finally:
        sandbox.control("limits", {"enforce": False, "time_scale": 1})
