"""Whatever is done in whatever order, the books add up.

Invariant: Customer.Balance = open invoices - unapplied payments - open credits; an invoice's Balance is its total less
what its payments apply; tokens only grow; a repeated requestid changes nothing.
"""

from __future__ import annotations

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
KINDS = ("Invoice", "CreditMemo", "Payment")


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

    @rule(entity=st.sampled_from(["Invoice", "CreditMemo"]), who=PICK, amount=AMOUNTS, taxed=st.booleans())
    def make_document(self, entity: str, who: int, amount: Decimal, taxed: bool) -> None:
        customer = self.customers[who % 3]
        body: Body = {
            "CustomerRef": {"value": customer["Id"]},
            "Line": [line(self.item, amount, "TAX" if taxed else "NON")],
            "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}},
        }
        self.send(entity, body)

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

    @rule(entity=st.sampled_from(["Invoice", "CreditMemo"]), pick=PICK, amount=AMOUNTS, who=PICK, full=st.booleans())
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

    @rule(entity=st.sampled_from(["Invoice", "Payment"]), pick=PICK)
    def void(self, entity: str, pick: int) -> None:
        found = self.chosen(entity, pick)
        if found:
            body = {"Id": found["Id"], "SyncToken": found["SyncToken"], "sparse": True}
            params: Any = {"operation": "void"} if entity == "Invoice" else {"operation": "update", "include": "void"}
            self.send(entity, body, **params)

    @rule(pick=PICK)
    def deposit(self, pick: int) -> None:
        payment = self.chosen("Payment", pick)
        if payment and payment["TotalAmt"] and not payment.get("LinkedTxn"):
            self.books.ui(act="deposit", payments=[payment["Id"]], account="25")

    @precondition(lambda self: bool(self.keys))
    @rule(pick=PICK)
    def replay(self, pick: int) -> None:
        number = pick % len(self.keys)
        entity, body, answer = self.keys[number]
        before = [self.listed(kind) for kind in KINDS]
        assert self.books.post(entity.lower(), body, requestid=self.key_of(number)) == answer
        assert [self.listed(kind) for kind in KINDS] == before

    def key_of(self, number: int) -> str:
        return f"k{number}"

    @invariant()
    def the_books_add_up(self) -> None:
        documents = {kind: self.listed(kind) for kind in KINDS}
        open_by_customer = {customer["Id"]: Decimal(0) for customer in self.customers}
        for kind, sign, key in (
            ("Invoice", 1, "Balance"),
            ("CreditMemo", -1, "Balance"),
            ("Payment", -1, "UnappliedAmt"),
        ):
            for document in documents[kind]:
                assert money(document[key]) >= 0
                open_by_customer[document["CustomerRef"]["value"]] += sign * money(document[key])
        found = {customer["Id"]: customer for customer in self.listed("Customer")}
        assert {key: money(one["Balance"]) for key, one in found.items()} == open_by_customer
        parent, job, _ = (customer["Id"] for customer in self.customers)
        assert money(found[parent]["BalanceWithJobs"]) == open_by_customer[parent] + open_by_customer[job]
        assert money(self.books.read("Account", "31")["CurrentBalance"]) == sum(open_by_customer.values())

    @invariant()
    def every_balance_is_the_total_less_what_is_applied(self) -> None:
        applied: dict[tuple[str, str], Decimal] = {}
        for payment in self.listed("Payment"):
            for part in payment["Line"]:
                link = part["LinkedTxn"][0]
                target = (link["TxnType"], link["TxnId"])
                applied[target] = applied.get(target, Decimal(0)) + money(part["Amount"])
        for kind in ("Invoice", "CreditMemo"):
            for document in self.listed(kind):
                rest = money(document["TotalAmt"]) - applied.pop((kind, document["Id"]), Decimal(0))
                assert money(document["Balance"]) == rest
        assert applied == {}

    @invariant()
    def tokens_only_grow(self) -> None:
        for kind in KINDS:
            for document in self.listed(kind):
                key = (kind, document["Id"])
                assert int(document["SyncToken"]) >= self.tokens.get(key, 0)
                self.tokens[key] = int(document["SyncToken"])


@pytest.mark.timeout(120)
def test_after_any_work_the_books_add_up(server: Body) -> None:
    BooksMachine.server = server
    run_state_machine_as_test(
        BooksMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
