"""A company that was out of touch: one alarm, one gap, and a backfill that misses and doubles nothing."""

from __future__ import annotations

from typing import Any

import requests

from qb_pipeline.store import inbox
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.inbox import Event
from qb_pipeline_tests.end_to_end.harness import COMPANY, ContractorDesk, Instance, QuickBooksDesk, is_write
from qb_pipeline_tests.faults.post import look
from qb_pipeline_tests.unit.console.running import settings_for


def names(rows: list[dict[str, Any]], key: str) -> list[str]:
    return sorted(str(row[key]) for row in rows)


def test_what_happens_while_disconnected_is_filled_in_both_directions_and_nothing_twice(made: Instance) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    own.create("customers", {"name": "Before"})
    made.sync()
    assert made.told("disconnect", "--company", COMPANY)["revoked"] is True
    here = own.create("customers", {"name": "Hazel Roofing"})["id"]
    there = books.create("Customer", {"DisplayName": "Birch Plumbing"})["Id"]
    code, _, err = made.run("sync", "--company", COMPANY)
    assert code != 0
    assert "not connected to QuickBooks" in err
    made.connect()
    [gap] = made.rows("select * from gap")
    assert gap["ended_at"] is not None
    assert gap["filled_at"] is None
    [done] = made.told("backfill")["companies"]
    assert (done["gaps_filled"], done["writes"]) == (1, 2)
    expected = ["Before", "Birch Plumbing", "Hazel Roofing"]
    assert names(own.all("customers"), "name") == expected
    assert names(books.all("Customer"), "DisplayName") == expected
    assert {here, there} <= {
        row[key] for row in made.rows("select contractor_id, quickbooks_id from link") for key in row
    }
    assert made.sync()["writes"] == 0
    assert made.rows("select 1 from gap where filled_at is null") == []


def test_a_connection_revoked_at_intuit_raises_one_alarm_and_clears_itself_when_it_is_back(made: Instance) -> None:
    ContractorDesk(made.contractor).create("customers", {"name": "Before"})
    made.sync()
    info = made.quickbooks.info
    _, seen = made.contractor.requests_since(0)
    revoke(made)
    for _ in range(3):
        code, _, err = made.run("sync")
        assert code != 0
        assert "onnect the company" in err
    [company] = made.rows("select * from company")
    assert company["state"] == "reconnect"
    [alarm] = made.rows("select * from notice where cleared_at is null")
    assert (alarm["kind"], alarm["topic"]) == ("alarm", "connection")
    assert len(made.rows("select 1 from gap where ended_at is null")) == 1
    assert [r for r in made.contractor.requests_since(seen)[0] if is_write(r)] == []
    assert made.rows("select 1 from exception where state <> 'resolved'") == [], "one alarm, not a thousand"
    made.quickbooks.control("faults", method="DELETE")
    made.connect()
    assert made.sync()["writes"] == 0
    assert [n["kind"] for n in made.rows("select * from notice where cleared_at is null")] == ["all_clear"]
    assert made.rows("select state from company") == [{"state": "connected"}]
    assert info["realm_id"] == made.rows("select realm_id from company")[0]["realm_id"]


def test_a_lapsed_subscription_raises_one_alarm_and_what_it_held_back_goes_on_once_it_is_renewed(
    made: Instance,
) -> None:
    made.sync()
    for number in range(4):
        ContractorDesk(made.contractor).create("customers", {"name": f"Held {number}"})
    made.quickbooks.control("switches", {"subscription": "ended"})
    for _ in range(2):
        made.sync()
    [company] = made.rows("select * from company")
    assert company["state"] == "reconnect"
    assert "lapsed" in company["state_reason"]
    [alarm] = made.rows("select * from notice where cleared_at is null")
    assert (alarm["kind"], alarm["topic"]) == ("alarm", "connection")
    [cause] = made.told("errors", "list")["causes"]
    assert sorted(cause["blocks"]) == [f"Customer Held {n}" for n in range(4)]
    made.quickbooks.control("switches", {"subscription": "active"})
    made.sync()
    assert {c["DisplayName"] for c in QuickBooksDesk(made.quickbooks).all("Customer")} >= {
        f"Held {n}" for n in range(4)
    }
    assert [n["kind"] for n in made.rows("select * from notice where cleared_at is null")] == ["all_clear"]
    assert made.rows("select state from company") == [{"state": "connected"}]
    assert made.sync()["writes"] == 0


def revoke(made: Instance) -> None:
    """As the owner does in QuickBooks' app settings: every token of the company is dead."""
    rule = {"match": {"path": "/v3/company/*"}, "action": "expire_token"}
    refused = {"match": {"path": "*/tokens/bearer"}, "action": "status", "status": 400}
    made.quickbooks.control("faults", [rule, refused])
    requests.get(made.quickbooks.info["discovery_url"], timeout=10).raise_for_status()


def test_a_look_at_one_side_says_nothing_of_the_other_and_clears_no_alarm(made: Instance) -> None:
    ContractorDesk(made.contractor).create("customers", {"name": "Before"})
    made.sync()
    [twin] = QuickBooksDesk(made.quickbooks).all("Customer")
    made.contractor.control("faults", [{"match": {"path": "/api/*"}, "action": "status", "status": 401}])
    engine = make_engine(made.database_url)
    current = settings_for(made.home, database_url=made.database_url, rate_scale=0)
    for number in range(3):
        assert made.run("sync")[0] != 0
        event = Event("quickbooks", "Customer", twin["Id"], "Update", f"look-{number}", company=COMPANY)
        with engine.begin() as conn:
            inbox.store(conn, [event])
        look(engine, current)
    engine.dispose()
    assert made.rows("select state from company") == [{"state": "reconnect"}]
    [notice] = made.rows("select * from notice")
    assert (notice["kind"], notice["cleared_at"]) == ("alarm", None)
    assert [g["ended_at"] for g in made.rows("select * from gap")] == [None]
    made.contractor.control("faults", method="DELETE")
    made.sync()
    assert made.rows("select state from company") == [{"state": "connected"}]


def test_a_backfill_of_a_company_out_of_touch_says_why_or_fills_what_was_missed_until_now(made: Instance) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    own.create("customers", {"name": "Before"})
    made.sync()
    made.contractor.control("faults", [{"match": {"path": "/api/*"}, "action": "status", "status": 401}])
    assert made.run("sync")[0] != 0
    books.create("Customer", {"DisplayName": "Birch Plumbing"})
    code, out, err = made.run("backfill")
    assert (code, out) == (1, "")
    assert "key" in err, "what lasts is no gap of nothing"
    assert [g["ended_at"] for g in made.rows("select * from gap")] == [None]
    made.contractor.control("faults", method="DELETE")
    [done] = made.told("backfill")["companies"]
    assert (done["gaps_filled"], done["writes"]) == (1, 1)
    assert names(own.all("customers"), "name") == ["Before", "Birch Plumbing"]
    [gap] = made.rows("select * from gap")
    assert gap["began_at"] < gap["ended_at"] < gap["filled_at"]
    assert made.rows("select state from company") == [{"state": "connected"}]
    assert made.sync()["writes"] == 0
    assert made.told("backfill")["companies"][0]["gaps_filled"] == 0


def test_a_window_of_days_is_read_again_without_moving_a_position(made: Instance) -> None:
    own, books = ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks)
    own.create("customers", {"name": "Before"})
    made.sync()
    before = made.rows("select side, stream, value from cursor order by 1, 2")
    books.create("Customer", {"DisplayName": "New"})
    [done] = made.told("backfill", "--from", "2026-01-01", "--to", "2099-01-01")["companies"]
    assert done["records_read"] > 0
    assert names(own.all("customers"), "name") == ["Before", "New"]
    assert made.rows("select side, stream, value from cursor order by 1, 2") == before
    code, _, err = made.run("backfill", "--from", "2026-02-01", "--to", "2026-01-01")
    assert code != 0
    assert "--to lies before --from" in err


def test_keys_are_changed_while_companies_stay_connected(made: Instance) -> None:
    made.sync()
    kept = made.home / "token.key"
    former = kept.read_text()
    assert made.told("rotate-key")["resealed"] >= 4
    new = kept.read_text().split()
    assert new[1] == former.strip()
    assert new[0] != former.strip()
    assert (kept.stat().st_mode & 0o777) == 0o600
    made.told("rotate-key", "--forget-former")
    assert kept.read_text().split() == new[:1]
    assert made.sync()["writes"] == 0
    kept.write_text(former)
    code, _, err = made.run("sync")
    assert code != 0
    assert "sealed with another key" in err
