"""Reading positions: overlap, debts and the floor under both, so that nothing is passed over and nothing read twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sync.reading.positions import MUCH, OVERLAP, Debt, Position, earlier

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
busy_runs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3 * MUCH), st.integers(-10, 10)), max_size=8)


def test_reading_starts_five_minutes_before_what_has_been_read() -> None:
    assert Position(NOON).since == NOON - timedelta(minutes=5)


def test_a_position_never_moves_back() -> None:
    assert Position(NOON).advanced(NOON - MINUTE).read_to == NOON
    assert Position(NOON).advanced(NOON + MINUTE).read_to == NOON + MINUTE


@pytest.mark.parametrize("busy", [0, MUCH - 1])
def test_a_quiet_overlap_is_simply_read_again(busy: int) -> None:
    assert Position(NOON).behind(busy, NOON) == Position(NOON)


def test_an_overlap_without_a_newest_record_leaves_the_position() -> None:
    assert Position(NOON).behind(MUCH, None) == Position(NOON)


def test_a_busy_overlap_becomes_a_debt_that_covers_all_of_it() -> None:
    moved = Position(NOON).behind(MUCH, NOON + MINUTE)
    assert moved.debts == (Debt(NOON - OVERLAP, NOON + MINUTE),)
    assert moved.since == NOON + MINUTE


def test_the_overlap_does_not_reach_behind_the_floor_but_grows_again_with_time() -> None:
    moved = Position(NOON).behind(MUCH, NOON)
    assert moved.advanced(NOON + MINUTE).since == NOON
    assert moved.advanced(NOON + 20 * MINUTE).since == NOON + 15 * MINUTE


def test_debts_add_up_in_order_and_none_is_forgotten() -> None:
    first = Position(NOON).behind(MUCH, NOON + MINUTE)
    second = first.advanced(NOON + 10 * MINUTE).behind(MUCH, NOON + 10 * MINUTE)
    assert [d.since for d in second.debts] == [NOON - OVERLAP, NOON + 5 * MINUTE]


@given(busy_runs)
def test_every_moment_is_in_the_overlap_or_in_a_debt_whatever_the_runs_were_like(
    runs: list[tuple[int, int, int]],
) -> None:
    position = Position(NOON)
    for minutes, busy, newest in runs:
        ahead = position.advanced(position.read_to + minutes * MINUTE)
        after = ahead.behind(busy, ahead.read_to + newest * MINUTE)
        assert after.read_to >= ahead.read_to >= position.read_to
        for second in range(0, int((after.since - ahead.since).total_seconds()), 30):
            moment = ahead.since + timedelta(seconds=second)
            assert any(d.since <= moment <= d.until for d in after.debts)
        assert after.debts[: len(ahead.debts)] == ahead.debts
        position = after


@given(st.lists(st.tuples(st.integers(0, 99), st.none() | st.text(min_size=1)), max_size=3), st.none() | st.just(NOON))
def test_a_position_survives_its_trip_through_the_store(
    debts: list[tuple[int, str | None]], floor: datetime | None
) -> None:
    owed = tuple(Debt(NOON, NOON + n * MINUTE, page) for n, page in debts)
    position = Position(NOON + MINUTE, floor, owed)
    assert Position.from_json(position.to_json()) == position


def test_a_position_in_the_future_is_none() -> None:
    within = Position(NOON + OVERLAP)
    assert Position.of(within.to_json(), NOON) == within
    assert Position.of(Position(NOON + 2 * OVERLAP).to_json(), NOON) is None
    assert Position.of(None, NOON) is None


def test_of_two_clocks_the_earlier_one_counts() -> None:
    assert earlier(NOON, None) == earlier(NOON, NOON + OVERLAP) == earlier(NOON + OVERLAP, NOON) == NOON
