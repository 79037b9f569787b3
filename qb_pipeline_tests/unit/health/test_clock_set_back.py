"""Mails while the clock is wrong: set back by hours, nothing is held for so long, nothing is left out or told twice."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import RetryLater
from qb_pipeline.notify.sending import send_due
from qb_pipeline.store import attempts
from qb_pipeline.store.notices import DIGEST
from qb_pipeline_tests.unit.health.postbox import Postbox
from qb_pipeline_tests.unit.health.stored import NOON, connect, kept, problem, report
from qb_pipeline_tests.unit.health.test_sending import HOUR, MINUTE, alarm


@pytest.fixture
def store(engine: Engine) -> Engine:
    connect(engine)
    return engine


def test_a_refusal_does_not_rest_until_a_clock_that_was_set_back_has_caught_up(store: Engine, box: Postbox) -> None:
    alarm(store)
    box.refusals.append("554 No")
    with pytest.raises(RetryLater, match="554 No"):
        send_due(store, box.settings(), now=NOON)
    assert send_due(store, box.settings(), now=NOON - 24 * HOUR).mails == 1


def test_what_is_reported_after_the_clock_was_set_back_is_told_once(store: Engine, box: Postbox) -> None:
    report(store, [problem(1)], NOON)
    send_due(store, box.settings(), now=NOON)
    report(store, [problem(2)], NOON + MINUTE)
    report(store, [problem(3)], NOON - 5 * HOUR)
    for hours in range(-4, 6):
        send_due(store, box.settings(), now=NOON + hours * HOUR)
    assert [f"{n.created_at - NOON} {n.title}" for n in kept(store, DIGEST)] == [
        "0:00:00 Acme: 1 record needs somebody",
        "-1 day, 20:00:00 Acme: 2 records need somebody",
    ]
    assert "Client 2" in box.text(1)
    assert "Client 3" in box.text(1)


def test_what_gives_up_after_the_clock_was_set_back_is_told(store: Engine, box: Postbox) -> None:
    report(store, [problem(1), problem(2, retry_safe=True)], NOON)
    send_due(store, box.settings(), now=NOON)
    for minute in range(attempts.MAX_ATTEMPTS):
        report(store, [problem(2, retry_safe=True)], NOON - 5 * HOUR + minute * MINUTE)
    assert send_due(store, box.settings(), now=NOON - 4.5 * HOUR).mails == 1
    assert "Client 2" in box.text(1)
