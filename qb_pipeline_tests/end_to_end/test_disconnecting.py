"""Disconnecting is at once, whatever is under way, and possible without the key that sealed the tokens.

Invariant: after the command neither a run nor a refresh brings the connection back; nothing is lost or doubled by it.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, Instance, QuickBooksDesk, is_write

WRITE = {"method": "POST", "path": "/v3/company"}
LATE: dict[str, Any] = {"match": WRITE, "action": "delay", "when": "after", "seconds": 3, "times": 1}
LOST = {"match": WRITE, "action": "drop_after", "times": 1}


def until_a_write_is_under_way(made: Instance) -> None:
    for _ in range(300):
        if made.rows("select 1 from journal where phase = 'sent' and side = 'quickbooks'"):
            return
        time.sleep(0.1)
    raise AssertionError("the run never wrote to QuickBooks")


@pytest.mark.parametrize("faults", [[LATE], [LATE, LOST]], ids=["the answer comes late", "the answer never comes"])
def test_a_run_under_way_is_not_waited_for_and_ends_with_one_line_and_nothing_is_missed_or_doubled(
    made: Instance, faults: list[dict[str, Any]]
) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    made.sync()
    people = [own.create("customers", {"name": f"Customer {n}"}) for n in range(3)]
    for person in people:
        own.create("jobs", {"name": f"Roof of {person['name']}", "customer_id": person["id"]})
    made.quickbooks.control("faults", faults)
    run = made.begin("sync")
    until_a_write_is_under_way(made)
    began = time.monotonic()
    assert made.told("disconnect", "--company", COMPANY)["revoked"] is True
    assert run.is_alive(), "the run was still under way"
    assert made.rows("select state from company") == [{"state": "disconnected"}]
    assert time.monotonic() - began < LATE["seconds"]
    run.join(60)
    assert run.exitcode == 1
    said = (made.home / "command.log").read_text()
    assert said.count("is not connected to QuickBooks") == 1
    assert made.rows("select state from company") == [{"state": "disconnected"}]
    assert made.rows("select 1 from token") == []
    assert made.rows("select 1 from exception where state <> 'resolved'") == []
    assert made.rows("select 1 from notice where cleared_at is null") == []
    assert made.rows("select ended_at from gap") == [{"ended_at": None}]
    made.quickbooks.control("faults", method="DELETE")
    made.connect()
    made.sync()
    assert sorted(c["DisplayName"] for c in books.all("Customer")) == sorted(
        [f"Customer {n}" for n in range(3)] + [f"Roof of Customer {n}" for n in range(3)]
    )
    made.told("backfill")
    _, seen = made.quickbooks.requests_since(0)
    assert made.sync()["writes"] == 0
    assert [r for r in made.quickbooks.requests_since(seen)[0] if is_write(r)] == []


def connect(made: Instance, *more: str) -> tuple[int, str, str]:
    return made.run("connect", "--company", COMPANY, "--authorize", "auto", "--json", *more)


def test_connecting_again_after_the_key_was_lost_asks_for_what_it_needs_and_for_nothing_else(made: Instance) -> None:
    info = made.quickbooks.info
    secrets = "--contractor-key", made.contractor.info["api_key"], "--client-secret", info["client_secret"]
    assert connect(made, "--verifier-token", "of webhooks", "--webhook-secret", "of theirs")[0] == 0
    (made.home / "token.key").unlink()
    code, _, err = connect(made)
    assert code == 1
    assert "--contractor-key, --client-secret" in err
    assert "--verifier-token" not in err
    code, _, err = connect(made, *secrets[:2])
    assert code == 1
    assert "Give --client-secret," in err
    code, _, err = connect(made, *secrets)
    assert code == 0, err
    assert "--verifier-token and --webhook-secret as stored can't be opened" in err
    assert made.sync()["status"] == "succeeded"


def test_a_company_whose_key_was_lost_is_disconnected_and_told_what_to_remove_by_hand(made: Instance) -> None:
    (made.home / "token.key").unlink()
    code, out, err = made.run("disconnect", "--company", COMPANY)
    assert code == 0, err
    told = " ".join(out.split())
    assert "could not be revoked at Intuit" in told
    assert "Apps > My apps" in told
    assert made.rows("select state from company") == [{"state": "disconnected"}]
    assert made.rows("select 1 from token") == []
