"""The throttle with a clock that only sleeping moves."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from qb_pipeline.quickbooks.throttle import Limits, Throttle
from qb_pipeline_tests.unit.quickbooks.canned import FakeClock


def starts(throttle: Throttle, clock: FakeClock, calls: int) -> list[float]:
    """When each of `calls` calls was let through."""
    times = []
    for _ in range(calls):
        throttle.acquire()
        times.append(clock.monotonic())
    return times


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(1 for each in times if begin <= each < begin + seconds) for begin in times)


def test_no_second_holds_more_than_ten_requests_and_no_minute_more_than_five_hundred() -> None:
    clock = FakeClock()
    times = starts(Throttle(Limits(), clock), clock, 1300)
    assert most_within(times, 1.0) == 10
    assert most_within(times, 60.0) == 500
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_the_limit_is_used_nearly_in_full() -> None:
    clock = FakeClock()
    times = starts(Throttle(Limits(), clock), clock, 1500)
    assert times[-1] < 180, "1500 calls at 500 a minute fit into three minutes"


def test_batches_have_their_own_limit_beside_the_one_of_requests() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_second=None), clock)
    assert [throttle.try_acquire("batch") for _ in range(41)] == [True] * 40 + [False]
    assert throttle.try_acquire("request"), "the single lane stays open when the batch lane is used up"
    clock.sleep(62)
    assert throttle.try_acquire("batch")


def test_a_batch_counts_as_a_request_too() -> None:
    throttle = Throttle(Limits(per_minute=2, per_second=None), FakeClock())
    assert throttle.try_acquire("batch")
    assert throttle.try_acquire("request")
    assert not throttle.try_acquire("request")


def test_a_refused_try_uses_no_slot() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_minute=3, per_second=None, batches_per_minute=1), clock)
    assert throttle.try_acquire("batch")
    assert not throttle.try_acquire("batch")
    assert throttle.try_acquire("request")
    assert throttle.try_acquire("request")
    assert not throttle.try_acquire("request")


def test_a_penalty_closes_both_lanes_for_a_minute_unless_told_otherwise() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(), clock)
    throttle.penalise()
    assert not throttle.try_acquire("request")
    assert not throttle.try_acquire("batch")
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(60)
    throttle.penalise(7)
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(67)


def test_a_shorter_penalty_does_not_shorten_a_longer_one() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(), clock)
    throttle.penalise(30)
    throttle.penalise(1)
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(30)


def test_calls_that_arrive_up_to_the_jitter_late_still_keep_the_limit() -> None:
    clock = FakeClock()
    sent = starts(Throttle(Limits(scale=20), clock), clock, 300)
    arrived = [time + (0.1 if number % 10 == 0 else 0.0) for number, time in enumerate(sent)]
    assert most_within(arrived, 1 / 20) <= 10


def test_scaled_time_scales_windows_and_the_penalty() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_second=None, scale=60, jitter=0.02), clock)
    times = starts(throttle, clock, 1000)
    assert most_within(times, 1.0) == 500
    throttle.penalise()
    before = clock.monotonic()
    throttle.acquire()
    assert clock.monotonic() - before == pytest.approx(1.0, abs=0.05)


def test_unlimited_never_waits() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits.unlimited(), clock)
    assert all(throttle.try_acquire("batch") for _ in range(5000))
    assert clock.sleeps == []


def test_threads_share_one_limit() -> None:
    throttle = Throttle(Limits(per_minute=50, per_second=None), FakeClock())
    got: list[bool] = []
    threads = [threading.Thread(target=lambda: got.extend(throttle.try_acquire() for _ in range(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(True) == 50
    assert len(got) == 160


def test_a_claim_sets_a_batch_slot_aside_until_it_is_taken_or_given_back() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_second=None, batches_per_minute=2), clock)
    assert [throttle.claim("batch") for _ in range(3)] == [True, True, False]
    assert throttle.room("batch") == 0
    throttle.unclaim("batch")
    assert throttle.room("batch") == 1
    throttle.acquire("batch", claimed=True)
    assert throttle.room("batch") == 1, "the claim became a start"
    clock.sleep(61)
    assert throttle.room("batch") == 2


def test_it_says_when_the_next_batch_can_start() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_second=None, batches_per_minute=2, jitter=0), clock)
    assert throttle.until_room("batch") == 0
    throttle.acquire("batch")
    clock.sleep(10)
    throttle.acquire("batch")
    assert throttle.until_room("batch") == pytest.approx(50.3)
    assert Throttle(Limits.unlimited(), clock).until_room("batch") == 0


def test_a_batch_that_waits_for_a_request_slot_goes_before_single_requests() -> None:
    clock = SteppedClock()
    throttle = Throttle(Limits(per_second=2, jitter=0), clock)
    assert throttle.try_acquire()
    assert throttle.try_acquire()
    batch = threading.Thread(target=throttle.acquire, args=("batch",))
    batch.start()
    clock.asleep.wait(10)
    clock.step(1.1)
    taken = [throttle.try_acquire(), throttle.try_acquire()]
    clock.wake.set()
    batch.join(10)
    assert taken == [True, False], "of the two slots that are free again, one is the batch's"
    assert not throttle.try_acquire(), "which it took"


@pytest.mark.parametrize("delay", [0.0, 0.4, 3.0])
def test_calls_that_a_busy_server_takes_in_late_do_not_add_up_to_more_than_its_limit(delay: float) -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(), clock)
    arrived: list[float] = []
    for number in range(60):
        slot = throttle.acquire()
        with throttle.under_way(slot, "write"):
            clock.sleep(delay if number % 20 == 15 else 0.0)  # then the server's clock says later than ours
            arrived.append(clock.monotonic())
            clock.sleep(0.03)
        throttle.learn("write", 0.03)
    assert most_within(arrived, 1.0) <= 10


def test_a_call_still_under_way_counts_as_not_arrived_yet() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits(per_second=1, jitter=0), clock)
    throttle.learn("write", 0.5)
    with throttle.under_way(throttle.acquire(), "write"):
        clock.sleep(30)
        assert not throttle.try_acquire(), "it usually takes half a second and may have arrived as late as that ago"
    assert not throttle.try_acquire()
    clock.sleep(0.6)
    assert throttle.try_acquire()


def test_pauses_double_only_for_refusals_of_their_own_moment() -> None:
    clock = FakeClock()
    throttle = Throttle(Limits.unlimited(), clock)
    for _ in range(5):
        throttle.penalise()  # five threads, refused together
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(1)
    throttle.penalise()
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(3)
    throttle.passed()
    throttle.penalise()
    throttle.acquire()
    assert clock.monotonic() == pytest.approx(4)


def test_no_pause_is_longer_than_a_minute_and_within_known_limits_none_is_shorter() -> None:
    for limits, pauses in ((Limits.unlimited(), [1, 2, 4, 8, 16, 32, 60, 60]), (Limits(), [60] * 3)):
        clock = FakeClock()
        throttle = Throttle(limits, clock)
        for _ in pauses:
            throttle.penalise()
            throttle.acquire()
        assert clock.sleeps == pytest.approx(pauses)


class SteppedClock(FakeClock):
    """Time that only `step` moves; a sleeper sleeps until `wake`."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep, self.wake = threading.Event(), threading.Event()

    def step(self, seconds: float) -> None:
        self.seconds += seconds

    def sleep(self, seconds: float) -> None:
        self.asleep.set()
        assert self.wake.wait(10)
