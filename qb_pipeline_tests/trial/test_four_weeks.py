"""A buyer's four-week trial on one installation, with what would make the buyer walk away as assertions.

Red flags: a record that arrives twice, late, wrong or not at all; a field that the other side had filled and lost; a
total that differs by a cent; a success that is none; a failure nobody tells of, or one that holds up the rest; work
that grows with the data. The weeks follow each other on one instance, as `--dist loadfile` keeps a file together.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from qb_pipeline.entities.shown import shortened
from qb_pipeline.settings import settings
from qb_pipeline_tests.trial import month_ends, special_names
from qb_pipeline_tests.trial.buyer import COMPANY, HOUR, QUARTER, Buyer
from qb_pipeline_tests.trial.costs import Growth
from qb_pipeline_tests.trial.paperwork import ADDRESS, by, line_here, lines_there, paid, paid_there, sold, sold_there
from qb_pipeline_tests.trial.webhooks import console, delivered

pytestmark = pytest.mark.timeout(900)  # for a machine with ten times as much to do
NO_WRITES = {"contractor": 0, "quickbooks": 0}
CUSTOMERS, INVOICES, PAYMENTS = 300, 600, 399
ALLOWED, FEW_ROWS = Decimal("1.2"), 20


def in_agreement(buyer: Buyer) -> None:
    """The judge finds nothing wrong, nothing doubled, and nothing that had to be explained."""
    verdict = buyer.verdict()
    assert verdict.wrong == []
    assert verdict.explained == {}
    assert verdict.agreeing > 0


# Week 1: customers.


def test_week_1_a_customer_reaches_quickbooks_within_the_hour_and_nobody_starts_a_sync(buyer: Buyer) -> None:
    buyer.enters(
        "customer", name="Ada Amberg", company_name="Amberg & Daughters", first_name="Ada", last_name="Amberg",
        email="ada@amberg.example", phone="302 555 0101", billing_address=ADDRESS, notes="Ring twice",
    )  # fmt: skip
    runs = buyer.timetable.real_daemon(HOUR.total_seconds(), "sync")
    [sync] = [run for run in runs if run.job_name == "sync"]
    assert (sync.is_success, sync.tags[SCHEDULE_NAME_TAG]) == (True, "hourly_sync")
    [there] = [c for c in buyer.quickbooks("customer") if c["DisplayName"] == "Ada Amberg"]
    assert (there["CompanyName"], there["GivenName"], there["FamilyName"]) == ("Amberg & Daughters", "Ada", "Amberg")
    assert there["PrimaryEmailAddr"]["Address"] == "ada@amberg.example"
    assert (there["BillAddr"]["Line1"], there["BillAddr"]["City"]) == ("12 Mill Lane", "Dover")
    buyer.wait(HOUR, HOUR)  # now it is an hour later for everybody
    in_agreement(buyer)


def test_week_1_it_is_edited_in_quickbooks_and_comes_back_within_a_quarter_of_an_hour(buyer: Buyer) -> None:
    ada = by("DisplayName", buyer.quickbooks("customer"))["Ada Amberg"]
    fax, phone = {"FreeFormNumber": "302 555 0199"}, {"FreeFormNumber": "(302) 555-0102"}
    buyer.books.edit("Customer", ada["Id"], {"PrimaryPhone": phone, "Fax": fax, "Title": "Dr."})
    [sweep] = [run for run in buyer.wait(QUARTER) if run.job_name == "cdc_sweep"]
    assert sweep.tags[SCHEDULE_NAME_TAG] == "cdc_every_15_minutes"
    [here] = buyer.contractors("customer")
    assert here["phone"].endswith("555-0102")
    assert (here["notes"], here["billing_address"]["line2"]) == ("Ring twice", "Rear gate")
    in_agreement(buyer)


def test_week_1_an_edit_of_ours_leaves_what_the_bookkeeper_filled_in(buyer: Buyer) -> None:
    [ada] = buyer.contractors("customer")
    buyer.own.edit("customers", ada["id"], {"email": "office@amberg.example", "notes": "Ring once"})
    buyer.wait()
    there = by("DisplayName", buyer.quickbooks("customer"))["Ada Amberg"]
    assert (there["PrimaryEmailAddr"]["Address"], there["Notes"]) == ("office@amberg.example", "Ring once")
    assert (there["Fax"]["FreeFormNumber"], there["Title"]) == ("302 555 0199", "Dr.")
    assert there["PrimaryPhone"]["FreeFormNumber"] == "(302) 555-0102"
    in_agreement(buyer)


def test_week_1_the_same_customer_entered_on_both_sides_in_one_hour_is_one_customer(buyer: Buyer) -> None:
    email, phone = "ben@birkwood.example", "302 555 0110"
    buyer.enters("customer", name="Birkwood Bakery", email=email, phone=phone)
    buyer.books_enter(
        "customer", DisplayName="Birkwood Bakery", PrimaryEmailAddr={"Address": email},
        PrimaryPhone={"FreeFormNumber": phone},
    )  # fmt: skip
    buyer.books_enter("customer", DisplayName="Cleo Corvane", PrimaryPhone={"FreeFormNumber": "302 555 0120"})
    buyer.wait()
    assert sorted(c["name"] for c in buyer.contractors("customer")) == ["Ada Amberg", "Birkwood Bakery", "Cleo Corvane"]
    assert len(buyer.quickbooks("customer")) == 3
    in_agreement(buyer)


def test_week_1_an_answer_that_is_lost_makes_no_second_customer(buyer: Buyer) -> None:
    box = buyer.installed.quickbooks
    lost = {"action": "drop_after", "times": 1}
    box.control("faults", [{"match": {"method": "POST", "path": path}, **lost} for path in ("/customer", "/batch")])
    buyer.enters("customer", name="Dirk Dunmore", email="dirk@dunmore.example")
    buyer.wait()
    box.control("faults", method="DELETE")
    buyer.wait()
    assert [c["DisplayName"] for c in buyer.quickbooks("customer")].count("Dirk Dunmore") == 1
    in_agreement(buyer)


def test_week_1_a_quiet_night_writes_nothing_and_status_and_health_are_well(buyer: Buyer) -> None:
    marks = buyer.marks()
    tomorrow = (buyer.clock.now() + timedelta(days=1)).replace(hour=2, minute=59)
    assert {"sync", "cdc_sweep", "nightly_reconciliation"} <= {run.job_name for run in buyer.until(tomorrow)}
    buyer.wait()
    assert buyer.written(marks) == NO_WRITES
    status, (code, health) = buyer.status(), buyer.health()
    assert (status["state"], status["verdict"], status["exceptions"]) == ("connected", "ok", {})
    assert (status["parked"], status["review"]) == (0, 0)
    assert (code, health["verdict"]) == (0, "ok")
    assert buyer.errors() == []


# Week 2: invoices and payments.


def test_week_2_an_invoice_arrives_with_its_lines_to_the_cent(buyer: Buyer) -> None:
    framing = buyer.enters("item", name="Framing", sku="FR-1", kind="service", unit_price="85.50", taxable=False)
    nails = buyer.enters("item", name="Nails, 3 inch", sku="NL-3", kind="material", unit_price="0.045", taxable=False)
    ada = buyer.has("customer", "Ada Amberg")
    buyer.enters(
        "invoice", number="1001", customer_id=ada["id"], issue_date="2026-11-02", due_date="2026-12-02", status="sent",
        memo="Thank you for your trust", lines=[
            sold(framing, "12.5", "85.50", "Framing, north wall"), sold(nails, "1333", "0.045"),
            {"description": "As agreed on the phone on Monday"}, sold(framing, "3", "33.335", "Rework"),
        ],
    )  # fmt: skip
    buyer.wait()
    [there], [here] = buyer.quickbooks("invoice"), buyer.contractors("invoice")
    assert (there["DocNumber"], there["TxnDate"], there["DueDate"]) == ("1001", "2026-11-02", "2026-12-02")
    assert there["CustomerRef"]["name"] == "Ada Amberg"
    assert there["CustomerMemo"]["value"] == "Thank you for your trust"
    assert lines_there(there) == [
        ("Framing, north wall", Decimal("12.5"), Decimal("85.5"), Decimal("1068.75")),
        ("Nails, 3 inch", Decimal(1333), Decimal("0.045"), Decimal("59.99")),
        ("Rework", Decimal(3), Decimal("33.335"), Decimal("100.01")),
    ]
    assert [x["Description"] for x in there["Line"] if x["DetailType"] == "DescriptionOnly"] == [
        "As agreed on the phone on Monday"
    ]
    assert Decimal(here["total"]) == there["TotalAmt"] == there["Balance"] == Decimal("1228.75")
    in_agreement(buyer)


def test_week_2_a_payment_in_quickbooks_returns_within_seconds_of_its_webhook(buyer: Buyer) -> None:
    [invoice] = buyer.quickbooks("invoice")
    with console(buyer):
        payment = buyer.books_enter("payment", **paid_there([(invoice, Decimal("400.10"))], "2026-11-10", "CHK 551"))
        assert delivered(buyer, payment["Id"])
        runs = buyer.wait(timedelta(seconds=10))
    assert [(r.job_name, r.tags[SENSOR_NAME_TAG]) for r in runs] == [("webhook_changes", "webhook_inbox")]
    [here], [bill] = buyer.contractors("payment"), buyer.contractors("invoice")
    assert (here["amount"], here["date"], here["reference"]) == ("400.10", "2026-11-10", "CHK 551")
    assert [(a["invoice_id"], a["amount"]) for a in here["allocations"]] == [(bill["id"], "400.10")]
    assert Decimal(bill["balance"]) == buyer.quickbooks("invoice")[0]["Balance"] == Decimal("828.65")
    buyer.wait()
    in_agreement(buyer)


def test_week_2_the_invoice_edited_on_both_sides_keeps_both_edits(buyer: Buyer) -> None:
    [there], [here] = buyer.quickbooks("invoice"), buyer.contractors("invoice")
    lines = [{k: v for k, v in line.items() if k != "amount"} for line in here["lines"]]
    lines[0] |= {"quantity": "14"}
    buyer.own.edit("invoices", here["id"], {"lines": lines, "due_date": "2026-12-09"})
    item = next(x for x in there["Line"] if x["DetailType"] == "SalesItemLineDetail")["SalesItemLineDetail"]["ItemRef"]
    added = sold_there(item["value"], "2", "40", "Dump fee")
    buyer.books.edit(
        "Invoice", there["Id"],
        {"Line": [*(x for x in there["Line"] if "Id" in x), added], "CustomerMemo": {"value": "Thank you, Ada"}},
    )  # fmt: skip
    buyer.wait()
    [there], [here] = buyer.quickbooks("invoice"), buyer.contractors("invoice")
    wanted = [("Framing, north wall", Decimal(14), Decimal("85.5"), Decimal("1197.00")),
              ("Nails, 3 inch", Decimal(1333), Decimal("0.045"), Decimal("59.99")),
              ("Rework", Decimal(3), Decimal("33.335"), Decimal("100.01")),
              ("Dump fee", Decimal(2), Decimal(40), Decimal("80.00"))]  # fmt: skip
    assert sorted(lines_there(there)) == sorted(wanted)
    assert sorted(line_here(x) for x in here["lines"] if x["item_id"]) == sorted(wanted)
    assert there["DueDate"] == here["due_date"] == "2026-12-09"
    assert there["CustomerMemo"]["value"] == here["memo"] == "Thank you, Ada"
    assert Decimal(here["total"]) == there["TotalAmt"] == Decimal("1437.00")
    assert Decimal(here["balance"]) == there["Balance"] == Decimal("1036.90")
    in_agreement(buyer)


def test_week_2_the_rest_is_paid_here_and_the_invoice_is_settled_on_both_sides(buyer: Buyer) -> None:
    [here] = buyer.contractors("invoice")
    buyer.enters("payment", **paid([(here, Decimal("1036.90"))], "2026-11-12", "CARD 7"))
    buyer.wait()
    [there], [here] = buyer.quickbooks("invoice"), buyer.contractors("invoice")
    assert there["Balance"] == Decimal(here["balance"]) == 0
    assert here["status"] == "paid"
    assert {p["PaymentRefNum"]: p["TotalAmt"] for p in buyer.quickbooks("payment")} == {
        "CHK 551": Decimal("400.10"), "CARD 7": Decimal("1036.90"),
    }  # fmt: skip
    in_agreement(buyer)


def test_week_2_what_is_voided_in_quickbooks_is_void_here_and_stays_so(buyer: Buyer) -> None:
    ada = buyer.has("customer", "Ada Amberg")
    item = buyer.has("item", "Framing")
    buyer.enters("invoice", number="1002", customer_id=ada["id"], issue_date="2026-11-03", lines=[sold(item, "1", "9")])
    buyer.wait()
    buyer.books.void("Invoice", by("DocNumber", buyer.quickbooks("invoice"))["1002"]["Id"])
    buyer.wait()
    assert by("number", buyer.contractors("invoice"))["1002"]["status"] == "void"
    assert by("DocNumber", buyer.quickbooks("invoice"))["1002"]["TotalAmt"] == 0
    marks = buyer.marks()
    buyer.wait()
    assert buyer.written(marks) == NO_WRITES
    in_agreement(buyer)


# Week 3: what people really type, and what is not there.


def test_week_3_special_characters_arrive_as_they_were_typed_from_either_side(buyer: Buyer) -> None:
    ours, theirs = special_names.ACCEPTED[::2], special_names.ACCEPTED[1::2]
    for name in (*ours, *special_names.TIDIED):
        buyer.enters("customer", name=name, notes=f"{name}\nsecond line", company_name=name.strip()[:50])
    for name in theirs:
        buyer.books_enter("customer", DisplayName=name, Notes=f"{name}\nsecond line", CompanyName=name)
    buyer.wait()
    wanted = {*special_names.ACCEPTED, *special_names.TIDIED.values()}
    assert wanted <= set(by("DisplayName", buyer.quickbooks("customer")))
    assert wanted <= {name.strip() for name in by("name", buyer.contractors("customer"))}
    assert buyer.errors() == []
    in_agreement(buyer)


def test_week_3_names_quickbooks_cannot_hold_wait_alone_and_say_what_to_do_until_they_are_mended(buyer: Buyer) -> None:
    item = buyer.has("item", "Framing")
    made = {}
    for n, name in enumerate(special_names.REFUSED):
        made[name] = buyer.enters("customer", name=name)["id"]
        bill = {"number": f"300{n}", "customer_id": made[name], "issue_date": "2026-11-16"}
        buyer.enters("invoice", **bill, lines=[sold(item, "1", "9")])
    hugo = buyer.enters("customer", name="Hugo Holt")
    buyer.enters(
        "invoice", number="3100", customer_id=hugo["id"], issue_date="2026-11-16", lines=[sold(item, "2", "9")]
    )
    buyer.wait()
    assert "Hugo Holt" in by("DisplayName", buyer.quickbooks("customer"))
    assert by("DocNumber", buyer.quickbooks("invoice")).keys() & {"3100", "3000", "3001", "3002", "3003"} == {"3100"}
    told = {e["record_id"]: e for e in buyer.errors()}
    assert len(buyer.errors()) == len(told) == len(made), "one cause, one entry"
    for n, (name, key) in enumerate(made.items()):
        assert f"Customer '{shortened(name)}' has " in told[key]["cause"]
        assert special_names.REFUSED[name] in told[key]["cause"]
        assert "display name" in told[key]["fix"]
        assert told[key]["blocks"] == [f"Invoice 300{n}"]
    assert buyer.verdict().wrong == [], "whatever is not in agreement is told"
    assert (buyer.status()["parked"], buyer.health()[0]) == (4, 0)
    for n, key in enumerate(made.values()):
        buyer.own.edit("customers", key, {"name": f"Mended Name {n}"})
    buyer.wait()
    assert {"3000", "3001", "3002", "3003"} <= by("DocNumber", buyer.quickbooks("invoice")).keys()
    assert buyer.errors() == []
    in_agreement(buyer)


def test_week_3_customers_missing_in_quickbooks_are_told_once_each_and_both_fixes_release_all(buyer: Buyer) -> None:
    item, ada = buyer.has("item", "Framing"), buyer.has("customer", "Ada Amberg")
    buyer.wait()
    rules = settings().companies / f"{COMPANY}.yaml"
    rules.parent.mkdir(exist_ok=True)
    rules.write_text("entities:\n  customer:\n    direction: to_contractor\n")  # the bookkeeper enters customers
    missing = (
        ("ABC Corp", "books@abc.example", "302 555 0131"),
        ("Zenith Homes", "office@zenith.example", "302 555 0132"),
    )
    abc, zenith = (buyer.enters("customer", name=name, email=email, phone=phone) for name, email, phone in missing)
    for number, customer in (("1234", abc), ("2001", zenith), ("2002", zenith), ("2003", zenith), ("2004", ada)):
        bill = {"number": number, "customer_id": customer["id"], "issue_date": "2026-11-17"}
        buyer.enters("invoice", **bill, lines=[sold(item, "1", "120.10")])
    buyer.enters("payment", customer_id=zenith["id"], date="2026-11-18", amount="50.00", reference="CHK 9")
    buyer.wait()
    assert by("DocNumber", buyer.quickbooks("invoice")).keys() & {"1234", "2001", "2002", "2003", "2004"} == {"2004"}
    told = {e["record_id"]: e for e in buyer.errors()}
    assert set(told) == {abc["id"], zenith["id"]}, "one cause, one entry"
    assert told[abc["id"]]["cause"] == "Invoice 1234: customer ABC Corp does not exist in QuickBooks."
    assert told[abc["id"]]["fix"].startswith("Create it there, or link it to an existing customer")
    assert [n for n in told[zenith["id"]]["blocks"] if n.startswith("Invoice")] == [
        "Invoice 2001", "Invoice 2002", "Invoice 2003",
    ]  # fmt: skip
    assert len(told[zenith["id"]]["blocks"]) == 4, "the payment too"
    assert told[zenith["id"]]["cause"].endswith("customer Zenith Homes does not exist in QuickBooks.")
    assert buyer.verdict().wrong == []
    assert (buyer.status()["parked"], buyer.health()[0]) == (5, 0)
    for name, email, phone in missing:
        buyer.books_enter(
            "customer", DisplayName=name, PrimaryEmailAddr={"Address": email}, PrimaryPhone={"FreeFormNumber": phone}
        )
    buyer.wait()
    bills = by("DocNumber", buyer.quickbooks("invoice"))
    assert {bills[number]["CustomerRef"]["name"] for number in ("2001", "2002", "2003")} == {"Zenith Homes"}
    assert bills["1234"]["CustomerRef"]["name"] == "ABC Corp"
    assert buyer.errors() == []
    in_agreement(buyer)
    rules.unlink()
    buyer.wait()
    in_agreement(buyer)


# Week 4: the real size.


@pytest.fixture(scope="module")
def growth() -> Growth:
    """What is on file, and what time cost at each size."""
    return Growth()


@pytest.mark.parametrize("third", [1, 2, 3])
def test_week_4_a_real_sized_office_is_in_agreement_at_every_size(buyer: Buyer, growth: Growth, third: int) -> None:
    growth.grows(buyer, CUSTOMERS // 3, INVOICES // 3, PAYMENTS // 3)
    in_agreement(buyer)
    assert len(by("DisplayName", buyer.quickbooks("customer"))) >= third * CUSTOMERS // 3
    assert len(by("DocNumber", buyer.quickbooks("invoice"))) >= third * INVOICES // 3
    assert len(by("PaymentRefNum", buyer.quickbooks("payment"))) >= third * PAYMENTS // 3
    growth.measures(buyer)
    note = f"Seen with {len(growth.office.customers)} others"
    assert growth.office.customers[0]["name"] in [
        c["DisplayName"] for c in buyer.quickbooks("customer") if c.get("Notes") == note
    ]
    assert buyer.errors() == []


def test_week_4_month_ends_agree_by_customer_on_both_sides_and_in_quickbooks_own_report(buyer: Buyer) -> None:
    ours, theirs = month_ends.contractors(buyer), month_ends.quickbooks(buyer)
    assert sum(ours.billed.values()) > 0
    assert ours.billed == theirs.billed
    assert ours.received == theirs.received
    assert ours.owed == theirs.owed == ours.owed_on(month_ends.MONTH_ENDS[-1])
    for day in month_ends.MONTH_ENDS:
        told, total = month_ends.receivables(buyer, day)
        assert told == ours.owed_on(day), f"receivables on {day}"
        assert total == sum(told.values())


def test_week_4_nothing_slows_down_as_the_data_grows(growth: Growth) -> None:
    assert [cost.writes for cost in growth.idle + growth.quiet_hours] == [NO_WRITES] * 5
    assert [cost.writes for cost in growth.single] == [{"contractor": 0, "quickbooks": 1}] * 3
    for costs in (growth.idle, growth.single, growth.quiet_hours):
        small, large = costs[0], costs[-1]
        assert large.calls == small.calls, "calls to the servers"
        assert large.statements <= small.statements * ALLOWED, "statements"
        assert large.rows <= small.rows * ALLOWED + FEW_ROWS, "rows the product looked at"
