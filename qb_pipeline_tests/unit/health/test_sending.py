"""What is due goes out in as few mails as possible, once, and is never lost where the mail server refuses."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import structlog
from sqlalchemy import Engine

from qb_pipeline.errors import Misconfigured, RetryLater
from qb_pipeline.notify import digest
from qb_pipeline.notify.sending import newest_alarm, prepare, send_due
from qb_pipeline.settings import settings
from qb_pipeline.store import attempts, exceptions, notices
from qb_pipeline.store.locks import company_lock, session_lock
from qb_pipeline.store.notices import ALARM, ALL_CLEAR, DIGEST, UNDELIVERED
from qb_pipeline_tests.unit.health.postbox import Postbox, free_port
from qb_pipeline_tests.unit.health.stored import ACME, NOON, connect, kept, problem, report

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def store(engine: Engine) -> Engine:
    connect(engine)
    return engine


def alarm(
    store: Engine, company: str = ACME, at: datetime = NOON, body: str = "Intuit refuses us. Connect again."
) -> None:
    with store.begin() as conn:
        assert notices.raise_(conn, company, ALARM, "connection", f"{company}: no contact", body, at)


def test_an_alarm_is_one_mail_and_is_not_sent_again(store: Engine, box: Postbox) -> None:
    alarm(store)
    assert send_due(store, box.settings(), now=NOON).mails == 1
    assert send_due(store, box.settings(), now=NOON + MINUTE).mails == 0
    assert box.subjects == ["Acme: no contact"]
    assert "Connect again." in box.text()
    assert "qb-pipeline connect --company 'Acme'" in box.text()
    assert "qb-pipeline health --company 'Acme'" in box.text()


def test_what_happened_to_one_company_between_two_sendings_is_one_mail(store: Engine, box: Postbox) -> None:
    alarm(store)
    with store.begin() as conn:
        notices.clear(conn, ACME, ALARM, "connection", NOON + MINUTE)
        notices.raise_(conn, ACME, ALL_CLEAR, "connection", "Acme: it works again", "Good.", NOON + MINUTE)
    connect(store, "Brick", "2")
    alarm(store, "Brick")
    assert send_due(store, box.settings(), now=NOON + HOUR).mails == 2
    assert sorted(box.subjects) == ["Acme: it works again (and 1 more)", "Brick: no contact"]
    mail = box.text(box.subjects.index("Acme: it works again (and 1 more)"))
    assert "Over since 2026-03-02 12:01 UTC." in mail
    assert "qb-pipeline connect" not in mail


def test_what_was_over_long_before_there_was_a_mail_server_is_not_told(store: Engine, box: Postbox) -> None:
    alarm(store)
    with store.begin() as conn:
        notices.clear(conn, ACME, ALARM, "connection", NOON)
    assert send_due(store, box.settings(), now=NOON + timedelta(days=8)).mails == 0


def test_thirty_exceptions_at_once_are_one_digest(store: Engine, box: Postbox) -> None:
    report(store, [problem(n) for n in range(30)])
    assert send_due(store, box.settings(), now=NOON).mails == 1
    assert box.subjects == ["Acme: 30 records need somebody"]
    assert "30 records: The name is taken." in box.text()
    assert "id-" not in box.text() + box.html()
    assert send_due(store, box.settings(), now=NOON + 2 * HOUR).mails == 0, "they are not new any more"


def test_new_exceptions_wait_for_the_interval_and_then_come_alone(store: Engine, box: Postbox) -> None:
    report(store, [problem(1)])
    send_due(store, box.settings(), now=NOON)
    report(store, [problem(1), problem(2)], NOON + MINUTE)
    assert send_due(store, box.settings(), now=NOON + 59 * MINUTE).mails == 0
    assert send_due(store, box.settings(), now=NOON + 60 * MINUTE).mails == 1
    assert "Client 2" in box.text()
    assert "Client 1" not in box.text()


def test_a_passing_fault_is_told_only_when_it_did_not_pass(store: Engine, box: Postbox) -> None:
    for n in range(attempts.MAX_ATTEMPTS):
        assert send_due(store, box.settings(), now=NOON + n * HOUR).mails == 0
        report(store, [problem(1, retry_safe=True)], NOON + n * HOUR)
    assert send_due(store, box.settings(), now=NOON + 5 * HOUR).mails == 1


def test_what_fails_again_after_somebody_changed_it_is_news_and_what_just_stays_is_not(
    store: Engine, box: Postbox
) -> None:
    report(store, [problem(1), problem(2)])
    send_due(store, box.settings(), now=NOON)
    with store.begin() as conn:
        [ignored] = exceptions.of_records(conn, ACME, "customer", problem(2).side, ["id-2"])["id-2"]
        exceptions.ignore(conn, ACME, [ignored.id])
    report(store, [problem(1), replace(problem(2), fingerprint="changed")], NOON + HOUR)
    assert send_due(store, box.settings(), now=NOON + 2 * HOUR).mails == 1
    assert "Client 2" in box.text()
    assert "Client 1" not in box.text()


def inactive_item(*invoices: int) -> exceptions.Problem:
    return replace(
        problem(1, code="inactive_reference", cause="The item is inactive."),
        blocks=[f"Invoice {n}" for n in invoices], title="Inactive", record_label="Item Gutters",
    )  # fmt: skip


def test_what_a_known_cause_blocks_since_the_last_digest_is_told_once_in_one_line(store: Engine, box: Postbox) -> None:
    report(store, [inactive_item(1, 2)])
    send_due(store, box.settings(), now=NOON)
    assert "- Item Gutters (2 records wait for it)" in box.text()
    report(store, [inactive_item(1, 2)], NOON + HOUR)
    assert send_due(store, box.settings(), now=NOON + 2 * HOUR).mails == 0, "nothing joined"
    report(store, [inactive_item(2, 3, 4)], NOON + 3 * HOUR)
    report(store, [problem(7)], NOON + 3 * HOUR)
    assert send_due(store, box.settings(), now=NOON + 4 * HOUR).mails == 1
    assert "Client 7" in box.text()
    assert "- Item Gutters (inactive): 2 more records: Invoice 3, Invoice 4" in box.text().splitlines()
    assert "What to do: Choose another name." in box.text()
    report(store, [inactive_item(1, 2, 3, 4), problem(7)], NOON + 5 * HOUR)
    assert send_due(store, box.settings(), now=NOON + 6 * HOUR).mails == 0, "what was told is not told again"
    assert len(box.subjects) == 2


def test_what_joins_an_ignored_cause_is_told_with_the_cause_as_it_needs_somebody_again(
    store: Engine, box: Postbox
) -> None:
    report(store, [inactive_item(1)])
    send_due(store, box.settings(), now=NOON)
    with store.begin() as conn:
        exceptions.ignore(conn, ACME, [e.id for e in exceptions.listing(conn, ACME)])
    report(store, [inactive_item(1)], NOON + HOUR)
    assert send_due(store, box.settings(), now=NOON + 2 * HOUR).mails == 0
    report(store, [inactive_item(1, 2)], NOON + 3 * HOUR)
    assert send_due(store, box.settings(), now=NOON + 4 * HOUR).mails == 1
    assert box.subjects[-1] == "Acme: 1 record needs somebody"
    assert "- Item Gutters (2 records wait for it)" in box.text()


def test_what_was_mended_meanwhile_is_not_told(store: Engine, box: Postbox) -> None:
    report(store, [problem(1), problem(2)])
    with store.begin() as conn:
        exceptions.resolve(conn, ACME, "customer", problem(1).side, ["id-1"], now=NOON)
    send_due(store, box.settings(), now=NOON)
    assert box.subjects == ["Acme: 1 record needs somebody"]


def test_a_digest_waits_until_the_run_that_reports_has_ended(store: Engine, box: Postbox) -> None:
    report(store, [problem(1)])
    with company_lock(store, ACME):
        assert send_due(store, box.settings(), now=NOON).mails == 0
    assert send_due(store, box.settings(), now=NOON).mails == 1


def test_a_mail_server_that_is_gone_loses_nothing_and_is_asked_ever_more_seldom(store: Engine, box: Postbox) -> None:
    alarm(store)
    report(store, [problem(1)])
    gone = Postbox(free_port(), box.home).settings()
    tried: list[datetime] = []
    with structlog.testing.capture_logs() as logged:
        for minute in range(0, 24 * 60, 5):
            at = NOON + minute * MINUTE
            if prepare(store, gone, at):
                tried.append(at)
                with pytest.raises(RetryLater, match="can't be reached"):
                    send_due(store, gone, now=at)
    waits = [(b - a) for a, b in pairwise(tried)]
    assert waits == sorted(waits)
    assert waits[-1] == 2 * HOUR
    assert len([line for line in logged if line["event"] == "notices.undelivered"]) == 1
    assert [n.sent_at for n in kept(store) if n.kind != UNDELIVERED] == [None, None]
    assert len(kept(store, DIGEST)) == 1, "a digest that waits is not followed by another"
    done = send_due(store, box.settings(), now=NOON + 26 * HOUR)
    assert (done.mails, done.notices) == (2, 2)
    assert all(n.cleared_at for n in kept(store, UNDELIVERED))


def test_a_refused_mail_does_not_hold_up_the_others(store: Engine, box: Postbox) -> None:
    alarm(store)
    connect(store, "Brick", "2")
    alarm(store, "Brick")
    box.refusals.append("554 No")
    with pytest.raises(RetryLater, match="554 No"):
        send_due(store, box.settings(), now=NOON)
    assert box.subjects == ["Brick: no contact"]
    assert prepare(store, box.settings(), NOON) == 0, "the refusal rests a while"
    assert send_due(store, box.settings(), now=NOON, anyway=True).mails == 1, "a person need not wait"
    assert box.subjects == ["Brick: no contact", "Acme: no contact"]


def test_two_processes_that_gather_at_once_make_one_digest(store: Engine) -> None:
    report(store, [problem(1)], NOON - MINUTE)

    def gather(now: datetime) -> None:
        with store.begin() as conn:
            digest.make(conn, ACME, HOUR, now)

    other = threading.Thread(target=gather, args=(NOON + timedelta(milliseconds=5),))
    with store.begin() as conn:
        assert digest.make(conn, ACME, HOUR, NOON)
        other.start()
        other.join(0.3)
    other.join()
    assert [n.title for n in kept(store, DIGEST)] == ["Acme: 1 record needs somebody"]


def test_a_mail_server_that_is_away_for_days_is_tried_all_the_while_and_then_gets_the_mail(
    store: Engine, box: Postbox
) -> None:
    alarm(store)
    away, tried = replace(box, port=free_port()).settings(), []
    for number in range(4 * 24 * 4):
        at = NOON + number * timedelta(minutes=15)
        if newest_alarm(store, away, at) is not None and prepare(store, away, at):
            with pytest.raises(RetryLater, match="can't be reached"):
                send_due(store, away, now=at)
            tried.append(at)
    assert len(tried) > 40
    assert max(later - earlier for earlier, later in pairwise(tried)) <= 2 * HOUR + 15 * MINUTE
    assert send_due(store, box.settings(), now=tried[-1] + 3 * HOUR).mails == 1


def test_a_crash_between_sending_and_noting_repeats_one_mail_under_the_same_id(
    store: Engine, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(store)
    connect(store, "Brick", "2")
    alarm(store, "Brick")

    def crash(*_args: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(notices, "sent", crash)
        with pytest.raises(KeyboardInterrupt):
            send_due(store, box.settings(), now=NOON)
    send_due(store, box.settings(), now=NOON + MINUTE)
    ids = [str(mail["Message-ID"]) for mail in box.mails]
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert bytes(box.mails[0]).split(b"boundary=")[0] == bytes(box.mails[1]).split(b"boundary=")[0]


def test_two_processes_do_not_send_the_same_mail(store: Engine, box: Postbox) -> None:
    alarm(store)
    with session_lock(store, "notices", 0, RetryLater("busy", code="busy")):
        assert send_due(store, box.settings(), now=NOON).note == "Another process is sending."
    assert box.mails == []


def test_without_a_mail_server_nothing_is_made_up_and_nothing_is_lost(store: Engine, box: Postbox) -> None:
    nowhere = settings(_env_file=None, home=box.home)
    alarm(store)
    report(store, [problem(1)])
    assert prepare(store, nowhere, NOON) == 0
    assert send_due(store, nowhere, now=NOON).configured is False
    assert newest_alarm(store, nowhere, NOON) is None
    assert send_due(store, box.settings(), now=NOON + MINUTE).mails == 2


def test_half_a_setting_is_an_error_and_sends_nothing(store: Engine, box: Postbox) -> None:
    alarm(store)
    with pytest.raises(Misconfigured, match="QB_MAIL_TO"):
        send_due(store, box.settings(mail_to=None), now=NOON)


def test_a_secret_that_another_system_repeats_goes_no_further(store: Engine, box: Postbox) -> None:
    secret = "s3cret-of-the-app"
    alarm(store, body=f"Intuit says: bad client {secret}.")
    send_due(store, box.settings(client_secret=secret), now=NOON)
    assert "bad client •••." in box.text()
    assert secret not in bytes(box.mails[0]).decode()


def test_only_what_should_go_out_at_once_is_an_alarm(store: Engine, box: Postbox) -> None:
    report(store, [problem(1)])
    assert prepare(store, box.settings(), NOON) == 1
    assert newest_alarm(store, box.settings(), NOON) is None
    alarm(store)
    assert newest_alarm(store, box.settings(), NOON) == kept(store, ALARM)[0].id
