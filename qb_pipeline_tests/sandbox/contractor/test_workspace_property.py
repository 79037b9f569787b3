"""Any sequence of calls: versions only grow, replays change nothing, no change is missed by listing, totals agree.

The model here is a plain reading of the API's contract; it computes every total, balance and status from the lines and
allocations of what the server shows, in its own way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qb_pipeline_tests.sandbox.kernel.running import Client, contractor

Record = dict[str, Any]
Known = dict[tuple[str, str], Record]

SALES = ("invoices", "estimates", "credit_memos", "refunds")
PURCHASES = ("bills", "vendor_credits", "purchase_orders")
# What applies money: (its list, the key in it, what it is applied to).
APPLYING = {
    "payments": ("allocations", "invoice_id", "invoices"),
    "credit_memos": ("applied_to", "invoice_id", "invoices"),
    "bill_payments": ("allocations", "bill_id", "bills"),
}
OPEN = ("invoices", "credit_memos", "bills", "vendor_credits")
WATCHED = (*SALES, *PURCHASES, "payments", "bill_payments", "deposits", "customers", "vendors", "items")
TOTALLED = (*SALES, *PURCHASES, "deposits")
WITH_MEMO = (*SALES, *PURCHASES, "payments", "bill_payments", "deposits")
ZERO = Decimal(0)

amounts = st.decimals(min_value="0.01", max_value="2000", places=2).map(lambda value: f"{value:.2f}")
quantities = st.decimals(min_value="0.001", max_value="40", places=3).map(str)
prices = st.decimals(min_value="0.0001", max_value="90", places=4).map(str)
shares = st.sampled_from(("0.25", "0.5", "1", "1.01"))
picks = st.integers(min_value=0, max_value=10**6)
keys = (f"property-{number}" for number in itertools.count())
numbers = (f"N-{number}" for number in itertools.count())
priced = st.one_of(
    st.fixed_dictionaries({"amount": amounts, "taxable": st.booleans()}),
    st.fixed_dictionaries({"quantity": quantities, "price": prices, "taxable": st.booleans()}),
)


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def money(record: Record, name: str) -> Decimal:
    return Decimal(record[name] or "0")


def live(record: Record) -> bool:
    return record["deleted_at"] is None and record.get("status") != "void"


class Workspace(RuleBasedStateMachine):
    """One person working in the product while another one follows by listing."""

    client: Client

    def __init__(self) -> None:
        super().__init__()
        self.known: Known = {}
        self.answered: list[tuple[str, Record, str, bytes]] = []
        self.mirror: Known = {}
        self.seen_until: dict[str, str] = {}

    @initialize(rate=st.sampled_from(("0", "8.25", "9.9999")), amount=amounts, taxed=st.booleans())
    def a_company_at_work(self, rate: str, amount: str, taxed: bool) -> None:
        """Lists, and enough documents that there is something to pay from the first step on."""
        self.rate = self.client.made("tax_rates", {"name": "City", "rate": rate})
        self.account = self.client.made("accounts", {"name": "Checking", "kind": "Bank"})["id"]
        self.start = self.rate["updated_at"]
        self.seen_until = dict.fromkeys(WATCHED, self.start)
        self.customers = [self.make("customers", {"name": name})["id"] for name in ("Ann", "Ben")]
        self.vendor = self.make("vendors", {"name": "Pipe & Co"})["id"]
        self.item = self.make("items", {"name": "Repair"})["id"]
        lines = [{"amount": amount, "taxable": taxed}, {"quantity": "1.005", "price": "33.3333", "taxable": True}]
        for kind, who in (("invoices", 0), ("invoices", 0), ("invoices", 1), ("credit_memos", 0)):
            self.sell(kind, lines, who, taxed)
        self.buy("bills", lines)
        self.versions_only_grow()
        self.pay("50.00", 0, "0.5", 1)
        self.pay("20.00", 1, "1", 0)

    # How calls are made and remembered.

    def make(self, collection: str, body: Record) -> Record:
        """Create; an empty record when it is refused."""
        key = next(keys)
        answer = self.client.post(collection, body, key=key)
        if answer.status_code != 201:
            return self.refused(answer)
        self.answered.append((collection, body, key, answer.content))
        return dict(answer.json())

    def refused(self, answer: requests.Response) -> Record:
        """A refusal says why, and nothing has changed by it."""
        assert answer.status_code in (409, 412, 422), answer.text
        assert answer.json()["error"]["message"]
        assert self.read_all() == self.known
        return {}

    def listed(self, collection: str, since: str, limit: int = 500) -> Iterator[Record]:
        """All pages from a moment on, deleted records too."""
        wanted: Record = {"updated_since": since, "include_deleted": "true", "limit": limit}
        while True:
            page = self.client.get(collection, **wanted).json()
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            wanted["cursor"] = page["next_cursor"]

    def read_all(self) -> Known:
        """Everything that this example has made, as the server shows it."""
        return {(name, one["id"]): one for name in WATCHED for one in self.listed(name, self.start)}

    def some(self, pick: int, *collections: str) -> tuple[str, Record] | None:
        """One of the records made so far."""
        found = [(name, record) for (name, _), record in sorted(self.known.items()) if name in collections]
        return found[pick % len(found)] if found else None

    def open_documents(self, collection: str, party: str, owner: str) -> list[Record]:
        """What still has a balance, of one customer or vendor."""
        found = (one for (name, _), one in sorted(self.known.items()) if name == collection and live(one))
        return [one for one in found if one[party] == owner and money(one, "balance") > 0]

    # What people do.

    @rule(
        kind=st.sampled_from((*SALES, *PURCHASES)),
        lines=st.lists(priced, min_size=1, max_size=3),
        who=st.integers(0, 1),
        taxed=st.booleans(),
    )
    def write_a_document(self, kind: str, lines: list[Record], who: int, taxed: bool) -> None:
        if kind in SALES:
            self.sell(kind, lines, who, taxed)
        else:
            self.buy(kind, lines)

    @rule(
        act=st.sampled_from(("payments", "bill_payments", "credit_memos", "deposits")),
        amount=amounts,
        who=st.integers(0, 1),
        share=shares,
        many=st.integers(0, 3),
        pick=picks,
    )
    def settle_up(self, act: str, amount: str, who: int, share: str, many: int, pick: int) -> None:
        if act == "payments":
            self.pay(amount, who, share, many)
        elif act == "bill_payments":
            self.pay_bills(amount, share)
        elif act == "credit_memos":
            self.apply_credit(pick, share)
        else:
            self.bank(pick, many + 1)

    def sell(self, kind: str, lines: list[Record], who: int, taxed: bool) -> None:
        body = {
            "customer_id": self.customers[who],
            "issue_date": "2026-03-01",
            "lines": [self.line(one, "unit_price") for one in lines],
            "tax_rate_id": self.rate["id"] if taxed else None,
        }
        self.make(kind, body | ({"number": next(numbers)} if kind == "invoices" else {}))

    def buy(self, kind: str, lines: list[Record]) -> None:
        chosen = [{k: v for k, v in self.line(one, "unit_cost").items() if k != "taxable"} for one in lines]
        self.make(kind, {"vendor_id": self.vendor, "date": "2026-03-02", "lines": chosen})

    def line(self, drawn: Record, price: str) -> Record:
        named = {price if name == "price" else name: value for name, value in drawn.items()}
        return {"item_id": self.item, **named}

    def pay(self, amount: str, who: int, share: str, many: int) -> None:
        body = {"customer_id": self.customers[who], "date": "2026-03-05", "amount": amount}
        documents = self.open_documents("invoices", "customer_id", self.customers[who])[:many]
        self.make("payments", body | {"allocations": self.spread(documents, "invoice_id", amount, share)})

    def pay_bills(self, amount: str, share: str) -> None:
        documents = self.open_documents("bills", "vendor_id", self.vendor)[:2]
        body = {"vendor_id": self.vendor, "date": "2026-03-06", "amount": amount}
        self.make("bill_payments", body | {"allocations": self.spread(documents, "bill_id", amount, share)})

    def spread(self, documents: list[Record], key: str, amount: str, share: str) -> list[Record]:
        """Some of an amount over some documents; a share above 1 asks for more than there is."""
        left, result = Decimal(amount), []
        for document in documents:
            part = cents(min(left, money(document, "balance")) * Decimal(share))
            if part > 0:
                result.append({key: document["id"], "amount": f"{part:.2f}"})
                left -= part
        return result

    def apply_credit(self, pick: int, share: str) -> None:
        found = self.some(pick, "credit_memos")
        if found is None:
            return
        memo = found[1]
        documents = self.open_documents("invoices", "customer_id", memo["customer_id"])[:2]
        self.change("credit_memos", memo, {"applied_to": self.spread(documents, "invoice_id", memo["total"], share)})

    def bank(self, pick: int, many: int) -> None:
        waiting = [one for (name, _), one in sorted(self.known.items()) if name == "payments" and live(one)]
        if not waiting:
            return
        chosen = [waiting[(pick + step) % len(waiting)] for step in range(min(many, len(waiting)))]
        lines = [{"payment_id": one["id"], "amount": one["amount"]} for one in chosen]
        fee = {"account_id": self.account, "amount": "-0.01"}
        self.make("deposits", {"date": "2026-03-09", "account_id": self.account, "lines": [*lines, fee]})

    @rule(pick=picks, lines=st.one_of(st.none(), st.lists(priced, max_size=2)), keep=st.integers(0, 3))
    def edit(self, pick: int, lines: list[Record] | None, keep: int) -> None:
        """Other lines on a sale, some of them kept; or only another memo on anything."""
        found = self.some(pick, *SALES) if lines is not None else self.some(pick, *WITH_MEMO)
        if found is None:
            return
        if lines is None:
            self.change(*found, {"memo": f"memo {pick}"})
        else:
            added = [self.line(one, "unit_price") for one in lines]
            self.change(*found, {"lines": [*found[1]["lines"][:keep], *added]})

    def change(self, collection: str, record: Record, fields: Record) -> None:
        answer = self.client.patch(f"{collection}/{record['id']}", fields, record["version"])
        if answer.status_code != 200:
            self.refused(answer)

    @rule(pick=picks, how=st.sampled_from(("void", "delete")))
    def put_an_end_to(self, pick: int, how: str) -> None:
        found = self.some(pick, *WITH_MEMO)
        if found is None:
            return
        path = f"{found[0]}/{found[1]['id']}"
        answer = self.client.void(path) if how == "void" and found[0] != "deposits" else self.client.delete(path)
        if answer.status_code != 200:
            self.refused(answer)

    # What must hold.

    @rule(pick=picks)
    def a_replay_and_a_stale_version_change_nothing(self, pick: int) -> None:
        collection, body, key, content = self.answered[pick % len(self.answered)]
        answer = self.client.post(collection, body, key=key)
        assert (answer.status_code, answer.content) == (201, content)
        found = self.some(pick, *WATCHED)
        if found is None:
            return
        collection, record = found
        answer = self.client.patch(f"{collection}/{record['id']}", {"memo": "stale"}, str(int(record["version"]) + 1))
        assert answer.status_code == 412
        assert self.read_all() == self.known

    @rule(limit=st.integers(1, 4), between=picks)
    def following_by_updated_since_misses_nothing(self, limit: int, between: int) -> None:
        """A change made between two pages is in a later page or in the next listing, never in neither."""
        for collection in WATCHED:
            self.follow(collection, limit, between)
        self.versions_only_grow()
        for collection in WATCHED:
            self.follow(collection, 500, None)
        assert self.mirror == self.known

    def follow(self, collection: str, limit: int, between: int | None) -> None:
        for position, record in enumerate(self.listed(collection, self.seen_until[collection], limit)):
            self.mirror[collection, record["id"]] = record
            self.seen_until[collection] = record["updated_at"]
            if position == 0 and between is not None:
                self.touch(collection, between)

    def touch(self, collection: str, pick: int) -> None:
        """Change a record of the very collection that is being listed."""
        found = self.some(pick, collection)
        if found is not None and "memo" in found[1]:
            self.change(*found, {"memo": f"while listing {pick}"})
            self.versions_only_grow()

    @invariant()
    def versions_only_grow(self) -> None:
        """A record keeps its version exactly as long as nothing of it changes, and nothing is ever gone."""
        now = self.read_all()
        for key, before in self.known.items():
            after = now[key]
            assert (int(after["version"]) > int(before["version"])) == (after != before), (before, after)
            assert after["updated_at"] >= before["updated_at"]
            assert after["created_at"] == before["created_at"]
        self.known = now

    @invariant()
    def totals_agree_with_lines(self) -> None:
        for (collection, _), record in self.known.items():
            if collection not in TOTALLED:
                continue
            subtotal = sum((money(line, "amount") for line in record["lines"]), ZERO)
            if collection in SALES:
                assert money(record, "subtotal") == subtotal
                base = sum((money(line, "amount") for line in record["lines"] if line["taxable"]), ZERO)
                rate = Decimal(self.rate["rate"]) if record["tax_rate_id"] else ZERO
                assert money(record, "tax") == cents(base * rate / 100)
                subtotal += money(record, "tax")
            assert money(record, "total") == subtotal

    @invariant()
    def balances_agree_with_what_is_applied(self) -> None:
        used: dict[tuple[str, str], Decimal] = {}
        for (collection, record_id), record in self.known.items():
            if collection not in APPLYING or not live(record):
                continue
            field, key, target = APPLYING[collection]
            for entry in record[field]:
                used[target, entry[key]] = used.get((target, entry[key]), ZERO) + money(entry, "amount")
                if collection in OPEN:
                    used[collection, record_id] = used.get((collection, record_id), ZERO) + money(entry, "amount")
        for (collection, record_id), record in self.known.items():
            if collection in OPEN and live(record):
                applied = used.get((collection, record_id), ZERO)
                assert money(record, "balance") == money(record, "total") - applied >= 0
                assert (record["status"] == "paid") == (applied > 0 and money(record, "balance") == 0)

    @invariant()
    def every_payment_is_in_one_deposit_at_most(self) -> None:
        banked = [
            (line["payment_id"], deposit_id)
            for (name, deposit_id), deposit in self.known.items()
            if name == "deposits" and deposit["deleted_at"] is None
            for line in deposit["lines"]
            if line["payment_id"]
        ]
        assert len(dict(banked)) == len(banked)
        marked = [
            (payment_id, one["deposit_id"])
            for (name, payment_id), one in self.known.items()
            if name == "payments" and one["deposit_id"]
        ]
        assert sorted(marked) == sorted(banked)


@pytest.fixture
def workspace() -> Iterator[type[Workspace]]:
    with contractor("--empty") as client:
        Workspace.client = client
        yield Workspace


def test_any_sequence_of_calls_keeps_versions_totals_and_the_change_feed_right(workspace: type[Workspace]) -> None:
    run_state_machine_as_test(
        workspace,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
