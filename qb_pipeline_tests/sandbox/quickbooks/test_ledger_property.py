"""Whatever is done in whatever order, the books add up.

Invariant: Customer.Balance = open invoices - unapplied payments - open credits; an invoice's Balance is its total less
what its payments apply; undeposited funds hold what was received and not deposited; an estimate is closed while it is
billed; tokens only grow; a repeated requestid changes nothing; debits equal credits.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, application, line, money, open_books

REALMS = count(9130350000000100000)
AMOUNTS = st.integers(min_value=1, max_value=40_000).map(lambda cents: Decimal(cents) / 100)
PICK = st.integers(min_value=0, max_value=1000)
RECEIVED = ("Payment", "SalesReceipt", "RefundReceipt")
KINDS = ("Invoice", "CreditMemo", "Estimate", "Deposit", *RECEIVED)
UNDEPOSITED, CHECKING, RECEIVABLES = "4", "25", "31"


class BooksMachine(RuleBasedStateMachine):
    """Random work of a client and of a person in one company with a customer, its job, and a stranger."""

    server: Body

    @initialize()
    def open(self) -> None:
        self.books: Books = open_books(self.server, str(next(REALMS)))
        self.item = self.books.item()
        parent = self.books.customer("Parent")
        job = self.books.customer("Job", Job=True, ParentRef={"value": parent["Id"]})
        self.customers = [parent, job, self.books.customer("Stranger")]
        self.tokens: dict[tuple[str, str], int] = {}
        self.keys: list[tuple[str, Body, tuple[int, Body]]] = []

    def listed(self, entity: str) -> list[Body]:
        found: list[Body] = self.books.query(f"select * from {entity} orderby Id maxresults 1000").get(entity, [])
        return found

    def chosen(self, entity: str, pick: int) -> Body | None:
        found = self.listed(entity)
        return found[pick % len(found)] if found else None

    def send(self, entity: str, body: Body, **params: str) -> None:
        """A write that may be refused, but never by a failure of the server; remembered for the replay."""
        key = f"k{len(self.keys)}"
        answer = self.books.post(entity.lower(), body, requestid=key, **params)
        assert answer[0] in (200, 400), answer
        if answer[0] == 200:
            self.keys.append((entity, body, answer))
            assert self.books.post(entity.lower(), body, requestid=key, **params) == answer

    def sold(self, who: int, amount: Decimal, taxed: bool) -> Body:
        """A sales form of one line."""
        return {
            "CustomerRef": {"value": self.customers[who % 3]["Id"]},
            "Line": [line(self.item, amount, "TAX" if taxed else "NON")],
            "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}},
        }

    @rule(
        entity=st.sampled_from(["Invoice", "CreditMemo", "Estimate", "SalesReceipt"]),
        who=PICK,
        amount=AMOUNTS,
        taxed=st.booleans(),
    )
    def make_document(self, entity: str, who: int, amount: Decimal, taxed: bool) -> None:
        self.send(entity, self.sold(who, amount, taxed))

    @rule(who=PICK, amount=AMOUNTS, account=st.sampled_from([UNDEPOSITED, CHECKING]))
    def refund(self, who: int, amount: Decimal, account: str) -> None:
        self.send("RefundReceipt", {**self.sold(who, amount, True), "DepositToAccountRef": {"value": account}})

    @rule(pick=PICK, who=PICK, amount=AMOUNTS, by_line=st.booleans())
    def bill_estimate(self, pick: int, who: int, amount: Decimal, by_line: bool) -> None:
        estimate = self.chosen("Estimate", pick)
        if estimate:
            link = [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]
            body = self.sold(who, amount, False)
            (body["Line"][0] if by_line else body)["LinkedTxn"] = link
            self.send("Invoice", body)

    @rule(who=PICK, pick=PICK, memo=st.none() | PICK, amount=AMOUNTS, part=AMOUNTS)
    def make_payment(self, who: int, pick: int, memo: int | None, amount: Decimal, part: Decimal) -> None:
        lines, invoice = [], self.chosen("Invoice", pick)
        if invoice:
            lines.append(application(invoice, min(part, money(invoice["Balance"]))))
        credit = None if memo is None else self.chosen("CreditMemo", memo)
        if credit:
            lines.append(application(credit, min(part, money(credit["Balance"]))))
        body = {"CustomerRef": {"value": self.customers[who % 3]["Id"]}, "TotalAmt": amount, "Line": lines}
        self.send("Payment", body)

    @rule(pick=PICK, keep=st.booleans(), amount=AMOUNTS)
    def change_payment(self, pick: int, keep: bool, amount: Decimal) -> None:
        payment = self.chosen("Payment", pick)
        if payment:
            base = {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True}
            self.send("Payment", {**base, "TotalAmt": amount} if keep else {**base, "Line": []})

    @rule(
        entity=st.sampled_from(["Invoice", "CreditMemo", "Estimate", "SalesReceipt"]),
        pick=PICK,
        amount=AMOUNTS,
        who=PICK,
        full=st.booleans(),
    )
    def change_document(self, entity: str, pick: int, amount: Decimal, who: int, full: bool) -> None:
        found = self.chosen(entity, pick)
        if found:
            body: Body = {"Id": found["Id"], "SyncToken": found["SyncToken"], "sparse": not full}
            customer = {"CustomerRef": {"value": self.customers[who % 3]["Id"]}}
            self.send(entity, {**body, **customer, "Line": [{**line(self.item, amount), "Id": "1"}]})

    @rule(entity=st.sampled_from(KINDS), pick=PICK)
    def delete(self, entity: str, pick: int) -> None:
        found = self.chosen(entity, pick)
        if found:
            self.send(entity, {"Id": found["Id"], "SyncToken": found["SyncToken"]}, operation="delete")
            self.tokens.pop((entity, found["Id"]), None)

    @rule(entity=st.sampled_from(["Invoice", "Payment", "SalesReceipt"]), pick=PICK)
    def void(self, entity: str, pick: int) -> None:
        found = self.chosen(entity, pick)
        if found:
            body = {"Id": found["Id"], "SyncToken": found["SyncToken"], "sparse": True}
            params: Any = {"operation": "void"} if entity == "Invoice" else {"operation": "update", "include": "void"}
            self.send(entity, body, **params)

    @rule(picks=st.lists(st.tuples(st.sampled_from(RECEIVED), PICK), min_size=1, max_size=3))
    def deposit(self, picks: list[tuple[str, int]]) -> None:
        found = [(kind, self.chosen(kind, pick)) for kind, pick in picks]
        lines = [{"LinkedTxn": [{"TxnId": one["Id"], "TxnType": kind}]} for kind, one in found if one]
        if lines:
            self.send("Deposit", {"DepositToAccountRef": {"value": CHECKING}, "Line": lines})

    @precondition(lambda self: bool(self.keys))
    @rule(pick=PICK)
    def replay(self, pick: int) -> None:
        number = pick % len(self.keys)
        entity, body, answer = self.keys[number]
        before = [self.listed(kind) for kind in KINDS]
        assert self.books.post(entity.lower(), body, requestid=f"k{number}") == answer
        assert [self.listed(kind) for kind in KINDS] == before

    @invariant()
    def the_books_add_up(self) -> None:
        """One look at everything; each check is about what it saw."""
        seen = {kind: self.listed(kind) for kind in KINDS}
        accounts = {one["Id"]: money(one["CurrentBalance"]) for one in self.listed("Account")}
        self.check_customers(seen, accounts)
        check_applications(seen)
        check_money(seen, accounts)
        check_estimates(seen)
        self.check_tokens(seen)

    def check_customers(self, seen: dict[str, list[Body]], accounts: dict[str, Decimal]) -> None:
        open_by_customer = {customer["Id"]: Decimal(0) for customer in self.customers}
        for kind, sign, key in (
            ("Invoice", 1, "Balance"),
            ("CreditMemo", -1, "Balance"),
            ("Payment", -1, "UnappliedAmt"),
        ):
            for document in seen[kind]:
                assert money(document[key]) >= 0
                open_by_customer[document["CustomerRef"]["value"]] += sign * money(document[key])
        found = {customer["Id"]: customer for customer in self.listed("Customer")}
        assert {key: money(one["Balance"]) for key, one in found.items()} == open_by_customer
        parent, job, _ = (customer["Id"] for customer in self.customers)
        assert money(found[parent]["BalanceWithJobs"]) == open_by_customer[parent] + open_by_customer[job]
        assert accounts[RECEIVABLES] == sum(open_by_customer.values())

    def check_tokens(self, seen: dict[str, list[Body]]) -> None:
        for kind, documents in seen.items():
            for document in documents:
                key = (kind, document["Id"])
                assert int(document["SyncToken"]) >= self.tokens.get(key, 0)
                self.tokens[key] = int(document["SyncToken"])

    def teardown(self) -> None:
        """In the end the trial balance balances."""
        status, report = self.books.get("reports/TrialBalance", start_date="2000-01-01", end_date="2099-12-31")
        assert status == 200
        for row in report["Rows"].get("Row", [])[-1:]:
            _, debit, credit = row["Summary"]["ColData"]
            assert money(debit["value"] or 0) == money(credit["value"] or 0)


def check_applications(seen: dict[str, list[Body]]) -> None:
    """Every balance is the total less what payments apply."""
    applied: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for payment in seen["Payment"]:
        for part in payment["Line"]:
            link = part["LinkedTxn"][0]
            applied[(link["TxnType"], link["TxnId"])] += money(part["Amount"])
    for kind in ("Invoice", "CreditMemo"):
        for document in seen[kind]:
            assert money(document["Balance"]) == money(document["TotalAmt"]) - applied.pop((kind, document["Id"]), 0)
    assert dict(applied) == {}


def check_money(seen: dict[str, list[Body]], accounts: dict[str, Decimal]) -> None:
    """What was received lies in undeposited funds until a deposit, whose total lies in the bank."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    in_deposits = {
        (link["TxnType"], link["TxnId"]): deposit["Id"]
        for deposit in seen["Deposit"]
        for part in deposit["Line"]
        for link in part["LinkedTxn"]
    }
    for kind in RECEIVED:
        for one in seen[kind]:
            deposit = in_deposits.pop((kind, one["Id"]), None)
            links = [link["TxnId"] for link in one.get("LinkedTxn", []) if link["TxnType"] == "Deposit"]
            assert links == ([] if deposit is None else [deposit])
            account = one["DepositToAccountRef"]["value"]
            assert deposit is None or account == UNDEPOSITED
            held[account if deposit is None else CHECKING] += money(one["TotalAmt"]) * (1 - 2 * (kind == RECEIVED[2]))
    assert in_deposits == {}
    assert (accounts[UNDEPOSITED], accounts[CHECKING]) == (held[UNDEPOSITED], held[CHECKING])


def check_estimates(seen: dict[str, list[Body]]) -> None:
    """An estimate and the invoice that bills it name each other, and billed means closed."""
    forward = {
        (link["TxnId"], invoice["Id"])
        for invoice in seen["Invoice"]
        for link in invoice["LinkedTxn"]
        if link["TxnType"] == "Estimate"
    }
    back = {(one["Id"], link["TxnId"]) for one in seen["Estimate"] for link in one.get("LinkedTxn", [])}
    assert forward == back
    billed = {estimate for estimate, _ in forward}
    assert {one["Id"] for one in seen["Estimate"] if one["TxnStatus"] == "Closed"} == billed


@pytest.mark.timeout(180)
def test_after_any_work_the_books_add_up(server: Body) -> None:
    BooksMachine.server = server
    run_state_machine_as_test(
        BooksMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
