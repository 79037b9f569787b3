"""Credit memos between both sandboxes: applied in either system, the invoices' balances end up the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import Settings, settings, token_key
from qb_pipeline.store import companies, exceptions, links
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import (
    COMPANY,
    ContractorDesk,
    QuickBooksDesk,
    Refused,
    Sandbox,
    cents,
    is_write,
)
from qb_pipeline_tests.unit.codecs.recorded import FOLDER

CRAIGS = FOLDER / "craigs"
CREATED = {"contractor": "created_contractor", "quickbooks": "created_quickbooks"}


@dataclass
class World:
    """A connected company in this process, and the people at both desks."""

    engine: Engine
    settings: Settings
    contractor: ContractorDesk
    quickbooks: QuickBooksDesk

    def sync(self) -> dict[str, dict[str, int]]:
        """A whole run; its tally per entity."""
        with session(self.engine, self.settings, COMPANY, "test") as ctx:
            steps.sync(ctx)
            return ctx.tally.all()

    def writes_of_a_sync(self) -> list[str]:
        """What a further run asks either system to change."""
        boxes = (self.contractor.sandbox, self.quickbooks.sandbox)
        marks = [box.requests_since(0)[1] for box in boxes]
        self.sync()
        asked = [r for box, mark in zip(boxes, marks, strict=True) for r in box.requests_since(mark)[0]]
        return [f"{r['method']} {r['path']}" for r in asked if is_write(r)]

    def problems(self) -> list[Reported]:
        with self.engine.begin() as conn:
            return exceptions.listing(conn, COMPANY)

    def partner(self, entity: str, side: Side, record_id: str) -> str:
        """The id of the same record on the other side."""
        with self.engine.begin() as conn:
            found = links.find(conn, COMPANY, entity, side, [record_id])[record_id].id_on(side.other)
        assert found is not None
        return found

    def balances(self, invoice: str) -> tuple[Decimal, Decimal]:
        """What the contractor's invoice and its twin in QuickBooks say is still owed."""
        twin = self.partner("invoice", Side.CONTRACTOR, invoice)
        mine, theirs = self.contractor.get("invoices", invoice), self.quickbooks.get("Invoice", twin)
        return cents(mine["balance"]), cents(theirs["Balance"])


def connected(engine: Engine, home: Path, contractor: Sandbox, quickbooks: Sandbox) -> World:
    current = settings(home=home, rate_scale=0)
    sealer = Sealer(token_key(current))
    realm = quickbooks.info["realm_id"]
    token = quickbooks.control("token", {"realm_id": realm})
    with engine.begin() as conn:
        companies.save(
            conn, sealer, COMPANY, contractor_system="reference", contractor_url=contractor.info["base_url"],
            contractor_key=contractor.info["api_key"], quickbooks_api=quickbooks.info["base_url"],
            quickbooks_discovery=quickbooks.info["discovery_url"], client_id=quickbooks.info["client_id"],
            client_secret=quickbooks.info["client_secret"],
        )  # fmt: skip
        companies.connected(conn, COMPANY, realm)
    now = datetime.now(UTC)
    with TokenStore(engine, COMPANY, sealer).locked() as tokens:
        days = now + timedelta(days=100)
        tokens.save(token["access_token"], token["refresh_token"], now + timedelta(hours=1), days)
    return World(engine, current, ContractorDesk(contractor), QuickBooksDesk(quickbooks))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def world(stack: ExitStack, engine: Engine, folder: Path, *quickbooks: str) -> World:
    boxes = []
    for kind, options in (("contractor", ("--empty",)), ("quickbooks", quickbooks)):
        box = Sandbox(kind, folder / f"{kind}.sqlite")
        stack.callback(box.stop)
        boxes.append(box.start(*options))
    home = folder / "home"
    home.mkdir()
    return connected(engine, home, *boxes)


def test_a_recorded_company_copied_to_an_empty_contractor_owes_the_same_to_the_cent(
    stack: ExitStack, engine: Engine, tmp_path: Path
) -> None:
    if not CRAIGS.is_dir():
        pytest.skip("the recorded QBO company is not beside the project")
    books = world(stack, engine, tmp_path, "--data", str(CRAIGS))
    assert books.sync()["credit_memo"][CREATED["contractor"]] == 9
    theirs = {i["DocNumber"]: cents(i["Balance"]) for i in books.quickbooks.all("Invoice")}
    mine = {i["number"]: cents(i["balance"]) for i in books.contractor.all("invoices", deleted=False)}
    assert mine == theirs
    assert sum(mine.values()) == Decimal("5881.52")
    memo = next(m for m in books.contractor.all("credit_memos") if m["number"] == "1026")
    invoice = books.partner("invoice", Side.QUICKBOOKS, "71")
    assert [(a["invoice_id"], a["amount"]) for a in memo["applied_to"]] == [(invoice, "100.00")]
    assert (memo["balance"], mine["1025"]) == ("0.00", Decimal("0.00"))
    assert books.writes_of_a_sync() == []
    assert books.problems() == []


@pytest.fixture
def office(stack: ExitStack, engine: Engine, tmp_path: Path) -> World:
    """Both systems empty but for QuickBooks' own lists."""
    made = world(stack, engine, tmp_path, "--empty")
    made.sync()
    return made


def sold(desk: ContractorDesk, collection: str, number: str, customer: str, item: str, **other: Any) -> dict[str, Any]:
    line = {"item_id": item, "description": "Roof", "quantity": "1", "unit_price": "100", "amount": "100.00"}
    body = {
        "number": number,
        "customer_id": customer,
        "issue_date": "2026-11-02",
        "lines": [{**line, "taxable": False}],
    }
    return desk.create(collection, {**body, **other})


def credited(office: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """An invoice of the contractor and a credit memo applied to it."""
    desk = office.contractor
    customer = desk.create("customers", {"name": "Ann Hale"})["id"]
    item = desk.create("items", {"name": "Roofing", "kind": "service", "unit_price": "100", "taxable": False})["id"]
    invoice = sold(desk, "invoices", "1025", customer, item)
    applied = [{"invoice_id": invoice["id"], "amount": "100.00"}]
    return invoice, sold(desk, "credit_memos", "1012", customer, item, applied_to=applied)


def applied_by_hand(office: World, invoice: str, memo: str) -> str:
    """What a person does in QuickBooks: a payment of nothing that joins the two."""
    links_ = [("Invoice", office.partner("invoice", Side.CONTRACTOR, invoice)),
              ("CreditMemo", office.partner("credit_memo", Side.CONTRACTOR, memo))]  # fmt: skip
    payer = office.quickbooks.get(*links_[0])["CustomerRef"]
    lines = [{"Amount": 100, "LinkedTxn": [{"TxnId": i, "TxnType": kind}]} for kind, i in links_]
    made = office.quickbooks.create("Payment", {"CustomerRef": payer, "TotalAmt": 0, "Line": lines})
    return str(made["Id"])


def test_an_application_entered_by_the_contractor_waits_visibly_until_a_person_makes_it(office: World) -> None:
    invoice, memo = credited(office)
    assert office.sync()["credit_memo"] == {"read_contractor": 1, "created_quickbooks": 1, "exceptions": 1}
    assert office.balances(invoice["id"]) == (Decimal("0.00"), Decimal("100.00"))
    [problem] = office.problems()
    assert (problem.entity, problem.code) == ("credit_memo", "credit_application")
    assert problem.fix == (
        "Apply credit memo 1012 (100.00) to invoice 1025 in QuickBooks; it is linked by itself after the next sync."
    )
    assert office.writes_of_a_sync() == []
    assert [p.code for p in office.problems()] == ["credit_application"]
    assert office.contractor.get("credit_memos", memo["id"])["applied_to"] == memo["applied_to"]
    applied_by_hand(office, invoice["id"], memo["id"])
    assert office.writes_of_a_sync() == []
    assert office.problems() == []
    assert office.balances(invoice["id"]) == (Decimal("0.00"), Decimal("0.00"))


def test_an_application_taken_back_in_quickbooks_is_taken_back_at_the_contractors(office: World) -> None:
    invoice, memo = credited(office)
    office.sync()
    payment = applied_by_hand(office, invoice["id"], memo["id"])
    office.sync()
    office.quickbooks.delete("Payment", payment)
    office.sync()
    assert office.contractor.get("credit_memos", memo["id"])["applied_to"] == []
    assert office.balances(invoice["id"]) == (Decimal("100.00"), Decimal("100.00"))
    applied_by_hand(office, invoice["id"], memo["id"])
    office.sync()
    assert office.contractor.get("credit_memos", memo["id"])["applied_to"] == memo["applied_to"]
    assert office.writes_of_a_sync() == []
    assert office.problems() == []


def test_an_application_taken_back_by_the_contractor_names_what_to_undo_in_quickbooks(office: World) -> None:
    invoice, memo = credited(office)
    office.sync()
    payment = applied_by_hand(office, invoice["id"], memo["id"])
    office.sync()
    office.contractor.edit("credit_memos", memo["id"], {"applied_to": []})
    assert office.writes_of_a_sync() == []
    assert [p.fix for p in office.problems()] == [
        "Take credit memo 1012 (100.00) off invoice 1025 in QuickBooks; it is linked by itself after the next sync."
    ]
    office.quickbooks.delete("Payment", payment)
    assert office.writes_of_a_sync() == []
    assert office.problems() == []


def test_a_credit_memo_voided_by_the_contractor_is_deleted_in_quickbooks_and_its_invoice_is_open_again(
    office: World,
) -> None:
    invoice, memo = credited(office)
    office.sync()
    applied_by_hand(office, invoice["id"], memo["id"])
    office.sync()
    twin = office.partner("credit_memo", Side.CONTRACTOR, memo["id"])
    office.contractor.void("credit_memos", memo["id"])
    assert office.sync()["credit_memo"]["deleted_quickbooks"] == 1
    with pytest.raises(Refused, match="Object Not Found"):
        office.quickbooks.get("CreditMemo", twin)
    assert office.balances(invoice["id"]) == (Decimal("100.00"), Decimal("100.00"))
    assert office.writes_of_a_sync() == []
    assert office.problems() == []


def test_money_and_credit_in_one_payment_of_quickbooks_each_settle_their_part_at_the_contractors(office: World) -> None:
    invoice, memo = credited(office)
    office.contractor.edit("credit_memos", memo["id"], {"applied_to": []})
    office.sync()
    parts = {"Invoice": (100, office.partner("invoice", Side.CONTRACTOR, invoice["id"])),
             "CreditMemo": (60, office.partner("credit_memo", Side.CONTRACTOR, memo["id"]))}  # fmt: skip
    payer = office.quickbooks.get("Invoice", parts["Invoice"][1])["CustomerRef"]
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": i, "TxnType": kind}]} for kind, (amount, i) in parts.items()]
    office.quickbooks.create("Payment", {"CustomerRef": payer, "TotalAmt": 40, "Line": lines})
    office.sync()
    [payment] = office.contractor.all("payments")
    assert [(a["invoice_id"], a["amount"]) for a in payment["allocations"]] == [(invoice["id"], "40.00")]
    changed = office.contractor.get("credit_memos", memo["id"])
    assert changed["applied_to"] == [{"invoice_id": invoice["id"], "amount": "60.00"}]
    assert (changed["balance"], office.balances(invoice["id"])) == ("40.00", (Decimal("0.00"), Decimal("0.00")))
    assert office.writes_of_a_sync() == []
    assert office.problems() == []


def test_a_credit_memo_edited_in_either_system_is_the_same_in_the_other(office: World) -> None:
    _, memo = credited(office)
    office.sync()
    twin = office.partner("credit_memo", Side.CONTRACTOR, memo["id"])
    office.contractor.edit("credit_memos", memo["id"], {"applied_to": []})
    office.sync()
    office.contractor.edit("credit_memos", memo["id"], {"memo": "for the gutter"})
    office.sync()
    assert office.quickbooks.get("CreditMemo", twin)["CustomerMemo"] == {"value": "for the gutter"}
    office.quickbooks.edit("CreditMemo", twin, {"CustomerMemo": {"value": "for the downpipe"}})
    office.sync()
    assert office.contractor.get("credit_memos", memo["id"])["memo"] == "for the downpipe"
    assert office.writes_of_a_sync() == []
    assert office.problems() == []
