"""A write that waited for its turn in QuickBooks' limits is asked for once more: meanwhile the company may have been
disconnected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import PipelineError, Reconnect
from qb_pipeline.quickbooks.batches import BatchItem, batch_body
from qb_pipeline.quickbooks.client import QuickBooksClient
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.tokens import InMemoryTokenStore, TokenSource
from qb_pipeline.store.situations import NOT_CONNECTED
from qb_pipeline.sync.quickbooks_port import QuickBooksPort
from qb_pipeline_tests.sync.test_quickbooks_lanes import Ear, writes
from qb_pipeline_tests.unit.quickbooks.canned import CannedServer, FakeClock, Reply, gateway_fault, ok, running_server
from qb_pipeline_tests.unit.quickbooks.conftest import REALM, CountingOAuth, pair

CREATED = ok({"Customer": {"Id": "71", "SyncToken": "0", "DisplayName": "Ridge Farm"}})
THROTTLED = gateway_fault("3001", status=429)
BATCH = batch_body([BatchItem("a1", "create", "Vendor", {"DisplayName": "Hill Supply"})])


class Disconnecting(FakeClock):
    """Whoever sleeps finds the company disconnected as it wakes."""

    ended: PipelineError | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.ended = NOT_CONNECTED.error(company="Acme Builders")

    def may_leave(self) -> None:
        if self.ended is not None:
            raise self.ended


@pytest.fixture
def server() -> Iterator[CannedServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def clock() -> Disconnecting:
    return Disconnecting()


def client_of(server: CannedServer, throttle: Throttle, clock: FakeClock) -> QuickBooksClient:
    tokens = TokenSource(InMemoryTokenStore(pair(clock, 1)), CountingOAuth(clock), clock)
    return QuickBooksClient(REALM, server.url, tokens, throttle, timeout=(2, 2), clock=clock)


@pytest.mark.parametrize(
    "write",
    [
        lambda client, asked: client.post("Customer", b"{}", request_id="r2", may_leave=asked),
        lambda client, asked: client.batch(BATCH, request_id="r2", may_leave=asked),
    ],
    ids=["single", "batch"],
)
def test_a_write_that_waited_for_the_limits_does_not_leave_once_the_company_is_disconnected(
    server: CannedServer, clock: Disconnecting, write: Callable[[QuickBooksClient, Callable[[], None]], object]
) -> None:
    client = client_of(server, Throttle(Limits(per_minute=1, per_second=None), clock), clock)
    server.play(CREATED)
    client.post("Customer", b"{}", request_id="r1", may_leave=clock.may_leave)
    with pytest.raises(Reconnect) as raised:
        write(client, clock.may_leave)
    assert not raised.value.maybe_written
    assert len(server.asked) == 1


@pytest.mark.parametrize(("first", "maybe_written"), [(THROTTLED, False), (Reply(drop=True), True)])
def test_a_write_is_not_repeated_after_a_disconnect_and_its_first_sending_stays_as_doubtful_as_it_was(
    server: CannedServer, clock: Disconnecting, first: Reply, maybe_written: bool
) -> None:
    client = client_of(server, Throttle(Limits.unlimited(), clock), clock)
    server.play(first, CREATED)
    with pytest.raises(Reconnect) as raised:
        client.post("Customer", b"{}", request_id="r1", may_leave=clock.may_leave)
    assert raised.value.maybe_written is maybe_written
    assert len(server.asked) == 1


def test_who_hears_of_the_writes_is_asked_again_after_each_wait(server: CannedServer, clock: Disconnecting) -> None:
    class Hearing(Ear):
        def may_leave(self) -> None:
            clock.may_leave()

    throttle, ear = Throttle(Limits.unlimited(), clock), Hearing()
    server.play(THROTTLED, CREATED)
    with pytest.raises(Reconnect, match="not connected"):
        QuickBooksPort(client_of(server, throttle, clock), Facts(), ENTITIES, throttle).send(writes(1), ear)
    assert len(server.asked) == 1
    assert sum(ear.answered_ids.values()) == 1
