"""How writes to QuickBooks share its limits: in simulated minutes, and with the real threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from qb_pipeline.errors import PipelineError, Reconnect, RetryLater
from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline.quickbooks.windows import Slot
from qb_pipeline.sync.ports import Answered, Sendable
from qb_pipeline.sync.quickbooks_lanes import BATCH, BATCHES_AT_ONCE, SINGLES_AT_ONCE, Group, Lanes, Queue, together
from qb_pipeline_tests.unit.quickbooks.canned import FakeClock

CEILING = 40 * 30 + 460  # writes in a minute that both limits allow
ONLY_BATCHES_LIMITED = Limits(per_minute=None, per_second=None, batches_per_minute=2)


def writes(count: int) -> list[Sendable]:
    return [Sendable(n, "customer", "create", None, None, f"key-{n}", b"{}") for n in range(count)]


@dataclass
class Ear:
    """Hears what leaves and what is answered, as the journal does."""

    left: list[Group] = field(default_factory=list)
    answered_ids: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: PipelineError | None = None  # why nothing may be written any more

    def leaving(self, items: Group) -> None:
        with self.lock:
            self.left.append(list(items))

    def may_leave(self) -> None:
        if self.ended is not None:
            raise self.ended

    def answered(self, answers: Sequence[Answered]) -> None:
        with self.lock:
            self.answered_ids.update(a.item.journal_id for a in answers)

    def batches(self) -> list[Group]:
        return [group for group in self.left if group[0].batch_key is not None]

    def alone(self) -> int:
        return sum(len(group) for group in self.left if group[0].batch_key is None)


def carried_out(group: Group, slot: Slot | None = None) -> list[Answered]:
    return [Answered(item, raw=b"{}") for item in group]


@dataclass
class Server:
    """Carries out everything and remembers it."""

    sent: list[Group] = field(default_factory=list)

    def __call__(self, group: Group, slot: Slot | None = None) -> list[Answered]:
        self.sent.append(list(group))
        return carried_out(group, slot)


# --- simulated minutes ---


@dataclass
class Worker:
    """One thread of the simulation: what it still has to send, and until when it waits for an answer."""

    lane: str
    waiting: list[Group] = field(default_factory=list)
    busy_until: float = 0.0


def simulated(count: int, minutes: float, *, batch: float, single: float) -> list[tuple[float, int]]:
    """(when, how many writes) of each request, with answers that take so many seconds."""
    clock = FakeClock()
    throttle = Throttle(Limits(), clock)
    queue = Queue(throttle, fresh=writes(count))
    workers = [Worker("batch") for _ in range(BATCHES_AT_ONCE)] + [Worker("request") for _ in range(SINGLES_AT_ONCE)]
    sent: list[tuple[float, int]] = []
    while clock.monotonic() < minutes * 60:
        for worker in workers:
            if clock.monotonic() < worker.busy_until:
                continue
            if not worker.waiting:
                taken = queue.batch_now() if worker.lane == "batch" else queue.singles_now()
                worker.waiting = [taken] if worker.lane == "batch" and taken else [[item] for item in taken]
            if worker.waiting and throttle.try_acquire("batch" if worker.lane == "batch" else "request"):
                if worker.lane == "batch":
                    throttle.unclaim("batch")
                sent.append((clock.monotonic(), len(worker.waiting.pop(0))))
                worker.busy_until = clock.monotonic() + (batch if worker.lane == "batch" else single)
        clock.sleep(0.02)
    return sent


def within(sent: list[tuple[float, int]], begin: float, end: float) -> int:
    return sum(number for at, number in sent if begin <= at < end)


@pytest.mark.parametrize(("batch", "single"), [(0.5, 0.1), (2.0, 0.4), (5.0, 0.5)])
def test_both_lanes_together_write_nine_tenths_of_what_the_limits_allow_however_long_answers_take(
    batch: float, single: float
) -> None:
    sent = simulated(6000, 3, batch=batch, single=single)
    minutes = [within(sent, 60 * n, 60 * (n + 1)) for n in range(3)]
    assert all(0.9 * CEILING <= each <= CEILING for each in minutes), minutes


def test_what_is_left_in_the_end_does_not_wait_for_the_next_minute_of_batches() -> None:
    sent = simulated(1300, 2, batch=2.0, single=0.4)
    assert sum(number for _, number in sent) == 1300
    assert sent[-1][0] < 40


def test_a_run_that_the_batch_limit_carries_at_once_is_batches_alone() -> None:
    sent = simulated(39 * BATCH, 1, batch=2.0, single=0.4)
    assert [number for _, number in sent] == [BATCH] * 39


# --- the real threads ---


def test_every_write_leaves_once_as_it_was_journalled() -> None:
    throttle = Throttle(Limits.unlimited())
    ear, server = Ear(), Server()
    Lanes(Queue(throttle, writes(95)), throttle, server, ear).run()
    sent = server.sent
    assert ear.answered_ids == Counter(range(95))
    assert sorted(map(len, sent)) == [5, 30, 30, 30]
    assert sorted(map(str, sent)) == sorted(map(str, ear.left)), "what is journalled and what is sent are the same"
    assert len({group[0].batch_key for group in sent}) == 4
    assert all([item.bid for item in group] == [str(n) for n in range(len(group))] for group in sent)


def test_what_the_batch_limit_does_not_carry_travels_alone() -> None:
    throttle, ear = Throttle(ONLY_BATCHES_LIMITED), Ear()
    Lanes(Queue(throttle, writes(150)), throttle, carried_out, ear).run()
    assert ear.answered_ids == Counter(range(150))
    assert (len(ear.batches()), ear.alone()) == (2, 90)


def test_a_single_write_left_over_is_no_batch_and_costs_none() -> None:
    throttle, ear = Throttle(ONLY_BATCHES_LIMITED), Ear()
    Lanes(Queue(throttle, writes(31)), throttle, carried_out, ear).run()
    assert (len(ear.batches()), ear.alone()) == (1, 1)
    assert throttle.room("batch") == 1


def test_what_left_before_leaves_again_in_the_same_company() -> None:
    throttle, ear = Throttle(ONLY_BATCHES_LIMITED), Ear()
    first, second, rest = together(writes(3)), together(writes(6)[3:]), writes(26)[6:]
    Lanes(Queue(throttle, left=[*first, *second, *rest]), throttle, carried_out, ear).run()
    assert sorted(map(str, ear.batches())) == sorted(map(str, (list(first), list(second))))
    assert ear.alone() == 20


def test_the_same_writes_make_the_same_batch_and_others_another() -> None:
    assert together(writes(30)) == together(writes(30))
    assert together(writes(30))[0].batch_key != together(writes(29))[0].batch_key
    assert len(together(writes(30))[0].batch_key or "") <= 36


def test_a_refused_connection_stops_both_lanes_and_what_did_not_leave_stays() -> None:
    throttle, ear = Throttle(ONLY_BATCHES_LIMITED), Ear()

    def refuse(group: Group, slot: Slot | None = None) -> list[Answered]:
        raise Reconnect("The consent is gone.", code="gone", fix="Connect again.", who="owner")

    with pytest.raises(Reconnect):
        Lanes(Queue(throttle, writes(3000)), throttle, refuse, ear).run()
    assert len(ear.left) <= BATCHES_AT_ONCE + SINGLES_AT_ONCE


def test_three_silences_in_a_row_stop_the_run() -> None:
    throttle, ear = Throttle(Limits.unlimited()), Ear()

    def silence(group: Group, slot: Slot | None = None) -> list[Answered]:
        raise RetryLater("No answer came.", code="timeout", maybe_written=True)

    with pytest.raises(RetryLater):
        Lanes(Queue(throttle, writes(3000)), throttle, silence, ear).run()
    assert 3 <= len(ear.left) <= 3 + BATCHES_AT_ONCE


def test_a_journal_that_fails_lets_nothing_leave_and_gives_the_slot_back() -> None:
    throttle = Throttle(ONLY_BATCHES_LIMITED)
    server = Server()

    class Broken(Ear):
        def leaving(self, items: Group) -> None:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        Lanes(Queue(throttle, writes(60)), throttle, server, Broken()).run()
    assert server.sent == []
    assert throttle.room("batch") == 2


@pytest.mark.parametrize("limits", [ONLY_BATCHES_LIMITED, Limits(None, None, 0)], ids=["batches", "single requests"])
def test_once_the_company_is_disconnected_no_further_request_begins_though_its_items_had_left(limits: Limits) -> None:
    throttle, ear = Throttle(limits), Ear()
    server = Server()

    def disconnecting(group: Group, slot: Slot | None = None) -> list[Answered]:
        ear.ended = Reconnect("The company is not connected.", code="not_connected", fix="Connect it.")
        return server(group, slot)

    with pytest.raises(Reconnect):
        Lanes(Queue(throttle, writes(60)), throttle, disconnecting, ear).run()
    assert 1 <= len(server.sent) <= max(BATCHES_AT_ONCE, SINGLES_AT_ONCE), "those that were asked for at once"
    assert sum(ear.answered_ids.values()) == sum(len(group) for group in ear.left)
