"""Whatever is bought, credited and paid in whatever order, the payables add up.

Invariant: Vendor.Balance = open bills - open vendor credits - unapplied payments + open journal entries; payables are
the sum over the vendors; debits equal credits; tokens only grow; a repeated requestid changes nothing.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count

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

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, money, open_books
from qb_pipeline_tests.sandbox.quickbooks.purchasing import (
    BANK,
    EXPENSE,
    PAYABLES,
    balance,
    cost,
    key,
    owed,
    part,
    paying,
    spent,
    vendor,
)

REALMS = count(9130350000000200000)
AMOUNTS = st.integers(min_value=1, max_value=40_000).map(lambda cents: Decimal(cents) / 100)
PICK = st.integers(min_value=0, max_value=1000)
DOCUMENTS = ("Bill", "VendorCredit")
PAYABLE = ("Bill", "Bill", "VendorCredit", "JournalEntry")
KINDS = (*DOCUMENTS, "BillPayment", "Purchase", "JournalEntry", "PurchaseOrder", "ReimburseCharge")
DELETED = KINDS[:-1]


class Payables(RuleBasedStateMachine):
    """Random work in one company with two vendors and a customer who bears costs."""

    server: Body

    @initialize()
    def open(self) -> None:
        self.books: Books = open_books(self.server, str(next(REALMS)))
        self.vendors = [vendor(self.books, "Hill"), vendor(self.books, "Dale")]
        self.customer = self.books.customer()
        self.tokens: dict[tuple[str, str], int] = {}
        self.sent: list[tuple[str, Body, dict[str, str], tuple[int, Body]]] = []

    def listed(self, entity: str) -> list[Body]:
        found: list[Body] = self.books.query(f"select * from {entity} orderby Id maxresults 1000").get(entity, [])
        return found

    def chosen(self, entity: str, pick: int) -> Body | None:
        found = self.listed(entity)
        return found[pick % len(found)] if found else None

    def send(self, entity: str, body: Body, **params: str) -> None:
        """A write that may be refused, but never by a failure of the server; remembered for the replay."""
        params = {**params, "requestid": f"k{len(self.sent)}"}
        answer = self.books.post(entity.lower(), body, **params)
        assert answer[0] in (200, 400), answer
        assert "SystemFault" not in str(answer[1]), answer
        if answer[0] == 200:
            self.sent.append((entity, body, params, answer))

    def line(self, amount: Decimal, billable: bool) -> Body:
        detail: Body = {"CustomerRef": {"value": self.customer["Id"]}} if billable else {}
        return cost(amount, **detail)

    @rule(entity=st.sampled_from([*DOCUMENTS, "PurchaseOrder"]), who=PICK, amount=AMOUNTS, billable=st.booleans())
    def make_document(self, entity: str, who: int, amount: Decimal, billable: bool) -> None:
        self.send(entity, owed(self.vendors[who % 2], self.line(amount, billable)))

    @rule(pick=PICK, amount=AMOUNTS)
    def bill_an_order(self, pick: int, amount: Decimal) -> None:
        order = self.chosen("PurchaseOrder", pick)
        if order:
            links = [{"TxnId": order["Id"], "TxnType": "PurchaseOrder"}]
            self.send("Bill", {**owed({"Id": order["VendorRef"]["value"]}, cost(amount)), "LinkedTxn": links})

    @rule(who=PICK, amount=AMOUNTS, charge=st.booleans())
    def make_journal(self, who: int, amount: Decimal, charge: bool) -> None:
        party = {"Type": "Vendor", "EntityRef": {"value": self.vendors[who % 2]["Id"]}}
        sides = ("Credit", "Debit") if charge else ("Debit", "Credit")
        details = (
            {"PostingType": sides[0], "AccountRef": {"value": PAYABLES}, "Entity": party},
            {"PostingType": sides[1], "AccountRef": {"value": EXPENSE}},
        )
        kind = "JournalEntryLineDetail"
        self.send("JournalEntry", {"Line": [{"Amount": amount, "DetailType": kind, kind: one} for one in details]})

    @rule(who=PICK, amount=AMOUNTS, advance=st.booleans())
    def spend(self, who: int, amount: Decimal, advance: bool) -> None:
        party = {"value": self.vendors[who % 2]["Id"], "type": "Vendor"}
        account = PAYABLES if advance else EXPENSE
        self.send("Purchase", {**spent(EntityRef=party), "Line": [cost(amount, account)]})

    @rule(who=PICK, picks=st.lists(st.tuples(st.sampled_from(PAYABLE), PICK), min_size=1, max_size=3), amount=AMOUNTS)
    def pay(self, who: int, picks: list[tuple[str, int]], amount: Decimal) -> None:
        """A payment of one vendor's documents; `amount` bounds each part, and is the total now and then."""
        seller = self.vendors[who % 2]
        parts: list[Body] = []
        for kind, pick in picks:
            mine = [one for one in self.listed(kind) if self.owner(one) == seller["Id"]]
            if mine:
                found = mine[pick % len(mine)]
                parts.append(part(kind, found, min(amount, money(found.get("Balance", amount)))))
        if not parts:
            self.send("Bill", owed(seller, cost(amount)))
            parts = [part("Bill", self.listed("Bill")[-1], amount)]
        due = sum((self.signed(one) for one in parts), Decimal(0))
        self.send("BillPayment", paying(seller, amount if who % 5 == 0 else max(due, Decimal(0)), *parts))

    def owner(self, document: Body) -> str:
        """The vendor of a bill, credit or journal entry."""
        if "VendorRef" in document:
            return str(document["VendorRef"]["value"])
        return str(document["Line"][0]["JournalEntryLineDetail"]["Entity"]["EntityRef"]["value"])

    @rule(pick=PICK, keep=st.booleans(), amount=AMOUNTS)
    def change_payment(self, pick: int, keep: bool, amount: Decimal) -> None:
        payment = self.chosen("BillPayment", pick)
        if payment:
            self.send(
                "BillPayment", {**key(payment), "sparse": True, **({"TotalAmt": amount} if keep else {"Line": []})}
            )

    @rule(entity=st.sampled_from(DOCUMENTS), pick=PICK, amount=AMOUNTS, who=PICK, sparse=st.booleans())
    def change_document(self, entity: str, pick: int, amount: Decimal, who: int, sparse: bool) -> None:
        found = self.chosen(entity, pick)
        if found:
            line = {**self.line(amount, who % 3 == 0), "Id": "1"}
            self.send(entity, {**owed(self.vendors[who % 2], line), **key(found), "sparse": sparse})

    @rule(pick=PICK, amount=AMOUNTS)
    def change_journal(self, pick: int, amount: Decimal) -> None:
        found = self.chosen("JournalEntry", pick)
        if found:
            lines = [{**line, "Amount": amount} for line in found["Line"]]
            self.send("JournalEntry", {**key(found), "sparse": True, "Line": lines})

    @rule(entity=st.sampled_from(DELETED), pick=PICK)
    def delete(self, entity: str, pick: int) -> None:
        found = self.chosen(entity, pick)
        if found:
            self.send(entity, key(found), operation="delete")

    @rule(pick=PICK)
    def void(self, pick: int) -> None:
        found = self.chosen("BillPayment", pick)
        if found:
            self.send("BillPayment", {**key(found), "sparse": True}, operation="update", include="void")

    @precondition(lambda self: bool(self.sent))
    @rule(pick=PICK)
    def replay(self, pick: int) -> None:
        entity, body, params, answer = self.sent[pick % len(self.sent)]
        before = [self.listed(kind) for kind in KINDS]
        assert self.books.post(entity.lower(), body, **params) == answer
        assert [self.listed(kind) for kind in KINDS] == before

    @invariant()
    def vendors_and_payables_are_what_is_open(self) -> None:
        open_by_vendor = {seller["Id"]: Decimal(0) for seller in self.vendors}
        for kind, sign in (("Bill", 1), ("VendorCredit", -1)):
            for document in self.listed(kind):
                assert 0 <= money(document["Balance"]) <= money(document["TotalAmt"])
                open_by_vendor[document["VendorRef"]["value"]] += sign * money(document["Balance"])
        for seller, amount in self.raised_by_lines():
            open_by_vendor[seller] += amount
        for payment in self.listed("BillPayment"):
            used = sum((self.signed(line) for line in payment["Line"]), Decimal(0))
            left = money(payment["TotalAmt"]) - used
            assert 0 <= left <= money(payment["TotalAmt"])
            # Journal entries show nothing of being settled, so their parts come off here.
            settled = sum((self.signed(line) for line in payment["Line"] if self.is_journal(line)), Decimal(0))
            open_by_vendor[payment["VendorRef"]["value"]] -= left + settled
        found = {seller["Id"]: money(seller["Balance"]) for seller in self.listed("Vendor")}
        assert found == open_by_vendor
        assert money(balance(self.books, PAYABLES)) == -sum(open_by_vendor.values())

    def raised_by_lines(self) -> list[tuple[str, Decimal]]:
        """(vendor, amount owed) of each journal entry and purchase on payables."""
        found = []
        for entry in self.listed("JournalEntry"):
            for line in entry["Line"]:
                detail = line["JournalEntryLineDetail"]
                if detail["AccountRef"]["value"] == PAYABLES:
                    sign = 1 if detail["PostingType"] == "Credit" else -1
                    found.append((detail["Entity"]["EntityRef"]["value"], sign * money(line["Amount"])))
        for purchase in self.listed("Purchase"):
            found += [
                (purchase["EntityRef"]["value"], -money(line["Amount"]))
                for line in purchase["Line"]
                if line["AccountBasedExpenseLineDetail"]["AccountRef"]["value"] == PAYABLES
            ]
        return found

    def is_journal(self, line: Body) -> bool:
        return bool(line["LinkedTxn"][0]["TxnType"] == "JournalEntry")

    def signed(self, line: Body) -> Decimal:
        """What a part takes out of the payment: positive for what it pays, negative for credit it uses."""
        (link,) = line["LinkedTxn"]
        amount = money(line["Amount"])
        if link["TxnType"] != "JournalEntry":
            return amount if link["TxnType"] == "Bill" else -amount
        detail = self.books.read("JournalEntry", link["TxnId"])["Line"][0]["JournalEntryLineDetail"]
        return amount if detail["PostingType"] == "Credit" else -amount

    @invariant()
    def every_balance_is_the_total_less_what_is_applied(self) -> None:
        applied: dict[tuple[str, str], Decimal] = {}
        for payment in self.listed("BillPayment"):
            for line in payment["Line"]:
                (link,) = line["LinkedTxn"]
                target = (link["TxnType"], link["TxnId"])
                applied[target] = applied.get(target, Decimal(0)) + money(line["Amount"])
        for kind in DOCUMENTS:
            for document in self.listed(kind):
                paid = applied.pop((kind, document["Id"]), Decimal(0))
                assert money(document["Balance"]) == money(document["TotalAmt"]) - paid
                links = [one for one in document.get("LinkedTxn", []) if one["TxnType"] == "BillPaymentCheck"]
                assert bool(links) or not paid
        assert {kind for kind, _ in applied} <= {"JournalEntry"}

    @invariant()
    def the_bank_paid_what_left_it(self) -> None:
        paid = sum(
            (money(one["TotalAmt"]) for kind in ("BillPayment", "Purchase") for one in self.listed(kind)), Decimal(0)
        )
        assert money(balance(self.books, BANK)) == -paid

    @invariant()
    def there_is_one_charge_for_each_billable_line(self) -> None:
        lines = [line for kind in (*DOCUMENTS, "Purchase") for one in self.listed(kind) for line in one["Line"]]
        billable = [
            money(line["Amount"])
            for line in lines
            if line["AccountBasedExpenseLineDetail"]["BillableStatus"] == "Billable"
        ]
        assert sorted(billable) == sorted(money(charge["Amount"]) for charge in self.listed("ReimburseCharge"))

    @invariant()
    def an_order_is_closed_exactly_while_a_bill_names_it(self) -> None:
        named = {
            link["TxnId"]
            for one in self.listed("Bill")
            for link in one.get("LinkedTxn", [])
            if link["TxnType"] == "PurchaseOrder"
        }
        assert {one["Id"] for one in self.listed("PurchaseOrder") if one["POStatus"] == "Closed"} == named

    @invariant()
    def debits_equal_credits(self) -> None:
        status, report = self.books.get("reports/TrialBalance", accounting_method="Accrual")
        assert status == 200, report
        total = report["Rows"]["Row"][-1]["Summary"]["ColData"] if report["Rows"] else []
        if total:
            assert money(total[1]["value"] or 0) == money(total[2]["value"] or 0)

    @invariant()
    def tokens_only_grow(self) -> None:
        for kind in KINDS:
            for document in self.listed(kind):
                name = (kind, document["Id"])
                assert int(document["SyncToken"]) >= self.tokens.get(name, 0)
                self.tokens[name] = int(document["SyncToken"])


@pytest.mark.timeout(120)
def test_after_any_purchasing_the_payables_add_up(server: Body) -> None:
    Payables.server = server
    run_state_machine_as_test(
        Payables,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
