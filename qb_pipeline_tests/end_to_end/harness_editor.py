"""People who work in both systems at once and tell the pipeline nothing; the same seed does the same work.

Invariant: what a system refuses is not work done; everything else was entered over HTTP by a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from qb_pipeline_tests.end_to_end.harness import ContractorDesk, Instance, QuickBooksDesk, Raw, Refused, cents

NAMES = (
    "O'Brien & Sons", 'The "Corner" House', "Müller Straßenbau", "Łódź Budowa", "山田建設",
    "Back\\slash Inc", "A:B Works",
    "Smith, John", "100% Drywall", "Tom_&_Jerry", "  Spaced  Out ", "Zoë Ångström", "x" * 90, "Emoji 🏠 Homes",
    "Q'; drop table x; --", "Anna Bell", "Bob Stone", "Carl Reed", "Dana Fox", "Eve Lake", "Finn Hill", "Gus Park",
)  # fmt: skip
WORDS = (
    "Framing",
    "Wire & pipe",
    'Said "now"',
    "Rückbau",
    "it's done",
    "a\\b",
    "",
    "line\nbreak",
    "   ",
    "50% off",
    "été",
)
PRICES = ("0", "1", "12.5", "99.99", "0.015", "85", "7.333333", "1000")
QUANTITIES = ("0", "1", "2", "3.5", "0.25", "1.333", "10", "-1")
DISTINCT = 40


class Editor:
    """One office on each side; `entered` holds what people (not the pipeline) created, by side."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self.contractor = ContractorDesk(instance.contractor)
        self.quickbooks = QuickBooksDesk(instance.quickbooks)
        self.random = Random(seed)
        self.entered: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.journal: list[str] = []
        self._number = 0
        for name, entity in (("Customer", "customer"), ("Item", "item")):
            for raw in self.quickbooks.all(name):
                self.entered["quickbooks"].add(("job" if raw.get("Job") else entity, raw["Id"]))

    def settle_in(self) -> None:
        """Enough names on both sides for documents to be about something."""
        for act in (Editor.c_customer, Editor.q_customer, Editor.c_item, Editor.q_item, Editor.c_job, Editor.q_job) * 4:
            self._try(act)
        for act in (Editor.c_division, Editor.q_division, Editor.c_invoice, Editor.q_invoice) * 2:
            self._try(act)

    def work(self, acts: int) -> None:
        """So many acts, anywhere."""
        for act in self.random.choices([a for a, _ in ACTS], [w for _, w in ACTS], k=acts):
            self._try(act)

    def _try(self, act: Callable[[Editor], None]) -> None:
        name = act.__name__
        try:
            act(self)
        except (Refused, IndexError) as refused:
            self.refused[name] += 1
            self.journal.append(f"refused {name}: {refused}")
        else:
            self.done[name] += 1

    # What people pick from.

    def say(self, text: str) -> None:
        self.journal.append(text)

    def pick(self, rows: list[Raw]) -> Raw:
        return self.random.choice(rows)

    def here(self, collection: str) -> list[Raw]:
        return self.contractor.all(collection, deleted=False)

    def there(self, name: str, *, job: bool | None = None) -> list[Raw]:
        rows = self.quickbooks.all(name)
        return rows if job is None else [r for r in rows if bool(r.get("Job")) is job]

    def name(self) -> str:
        base = self.random.choice(NAMES)
        return base if self.random.random() < 0.3 else f"{base} {self.random.randrange(DISTINCT)}"

    def text(self) -> str:
        return self.random.choice(WORDS)

    def day(self) -> str:
        return str(date(2026, 9, 1) + timedelta(days=self.random.randrange(60)))

    def money(self, low: int = 1, high: int = 50_000) -> str:
        return f"{Decimal(self.random.randrange(low, high)) / 100:.2f}"

    def maybe(self, value: Any) -> Any:
        return value if self.random.random() < 0.6 else None

    def number(self) -> str:
        self._number += 1
        return f"{self.random.choice(('INV-', '', 'R/'))}{1000 + self._number}"

    def make(self, side: str, entity: str, raw: Raw) -> None:
        record_id = str(raw.get("id") or raw["Id"])
        self.entered[side].add((entity, record_id))
        self.say(f"{side}: new {entity} {record_id}")

    # Names.

    def c_customer(self) -> None:
        terms = self.here("terms")
        body = {
            "name": self.name(), "company_name": self.maybe(self.text()), "first_name": self.maybe("Zoë"),
            "last_name": self.maybe("O'Hara"), "email": self.maybe("A.b@Example.com"),
            "phone": self.maybe("(302) 555-0142"),
            "taxable": self.random.random() < 0.5, "notes": self.maybe(self.text()), "active": True,
            "terms_id": self.maybe(self.pick(terms)["id"] if terms else None),
            "billing_address": self.maybe({"line1": "1 Main St", "line2": "Apt 2\nRear", "city": "Dover", "state": "DE",
                                           "postal_code": "19901", "country": self.maybe("USA")}),
        }  # fmt: skip
        self.make("contractor", "customer", self.contractor.create("customers", body))

    def q_customer(self) -> None:
        body: Raw = {"DisplayName": self.name().replace(":", ""), "Taxable": self.random.random() < 0.5}
        if self.random.random() < 0.5:
            body |= {
                "PrimaryPhone": {"FreeFormNumber": "302.555.0199"},
                "CompanyName": "Umbrella Ltd",
                "Notes": "Ring twice",
            }
        if self.random.random() < 0.5:
            body["BillAddr"] = {"Line1": "9 Elm", "Line2": "Suite 1", "City": "Wilmington", "PostalCode": "19801"}
        self.make("quickbooks", "customer", self.quickbooks.create("Customer", body))

    def q_vendor(self) -> None:
        self.quickbooks.create("Vendor", {"DisplayName": self.name().replace(":", "")})

    def edit_customer_here(self) -> None:
        one = self.pick(self.here("customers"))
        change: Raw = self.random.choice((
            {"name": self.name()}, {"phone": self.maybe(f"302-555-{self.random.randrange(10_000):04d}")},
            {"email": self.maybe("new@example.org")}, {"notes": self.maybe(self.text())},
            {"company_name": self.maybe(self.text())}, {"taxable": not one["taxable"]},
            {"active": not one["active"]}, {"active": False}, {"active": True},
            {"billing_address": {"line1": self.text(), "line2": self.text(), "city": "Ede", "state": None,
                                 "postal_code": None, "country": None}},
            {"terms_id": self.maybe(self.pick(self.here("terms"))["id"])},
        ))  # fmt: skip
        self.say(f"contractor: customer {one['id']} {change}")
        self.contractor.edit("customers", one["id"], change)

    def edit_customer_there(self) -> None:
        one = self.pick(self.there("Customer", job=False))
        change: Raw = self.random.choice((
            {"DisplayName": self.name().replace(":", "")}, {"PrimaryPhone": {"FreeFormNumber": "302 555 7777"}},
            {"PrimaryEmailAddr": {"Address": "q@example.com"}}, {"Notes": self.text()}, {"CompanyName": self.text()},
            {"Taxable": not one.get("Taxable")}, {"Active": not one["Active"]}, {"Active": False}, {"Active": True},
            {"BillAddr": {"Line1": "77 Q St", "City": "Reno", "Country": "USA"}}, {"SalesTermRef": {"value": "2"}},
        ))  # fmt: skip
        self.say(f"quickbooks: customer {one['Id']} {change}")
        self.quickbooks.edit("Customer", one["Id"], change)

    def delete_name_here(self) -> None:
        collection = self.random.choice(("customers", "jobs", "items", "divisions"))
        one = self.pick(self.here(collection))
        self.say(f"contractor: delete {collection} {one['id']}")
        self.contractor.delete(collection, one["id"])

    def c_job(self) -> None:
        customer = self.pick(self.here("customers"))
        body = {
            "name": self.maybe(self.name()), "number": f"J{self.random.randrange(10_000)}",
            "customer_id": customer["id"],
            "active": True, "address": self.maybe({"line1": "Site 1", "line2": None, "city": "Dover", "state": "DE",
                                                   "postal_code": None, "country": None}),
        }  # fmt: skip
        self.make("contractor", "job", self.contractor.create("jobs", body))

    def q_job(self) -> None:
        parent = self.pick(self.there("Customer", job=False))
        body = {"DisplayName": self.name().replace(":", ""), "Job": True, "ParentRef": {"value": parent["Id"]}}
        self.make("quickbooks", "job", self.quickbooks.create("Customer", body))

    def edit_job_here(self) -> None:
        one = self.pick(self.here("jobs"))
        change: Raw = self.random.choice((
            {"name": self.name()}, {"active": not one["active"]}, {"number": f"K{self.random.randrange(999)}"},
            {"customer_id": self.pick(self.here("customers"))["id"]},
        ))  # fmt: skip
        self.say(f"contractor: job {one['id']} {change}")
        self.contractor.edit("jobs", one["id"], change)

    def edit_job_there(self) -> None:
        one = self.pick(self.there("Customer", job=True))
        change: Raw = self.random.choice((
            {"DisplayName": self.name().replace(":", "")}, {"Active": not one["Active"]},
            {"ShipAddr": {"Line1": "Gate 4", "City": "Reno"}},
            {"Job": True, "ParentRef": {"value": self.pick(self.there("Customer", job=False))["Id"]}},
        ))  # fmt: skip
        self.say(f"quickbooks: job {one['Id']} {change}")
        self.quickbooks.edit("Customer", one["Id"], change)

    def c_item(self) -> None:
        accounts = [a for a in self.here("accounts") if a["kind"] == "Income"]
        body = {
            "name": self.name(), "sku": self.maybe(f"S{self.random.randrange(50)}"),
            "description": self.maybe(self.text()),
            "kind": self.random.choice(("service", "material", "equipment", "labor")), "active": True,
            "unit_price": self.maybe(self.random.choice(PRICES)), "unit_cost": self.maybe(self.random.choice(PRICES)),
            "taxable": self.random.random() < 0.5,
            "income_account_id": self.maybe(self.pick(accounts)["id"] if accounts else None),
        }  # fmt: skip
        self.make("contractor", "item", self.contractor.create("items", body))

    def q_item(self) -> None:
        body = {
            "Name": self.name().replace(":", ""), "Type": self.random.choice(("Service", "NonInventory")),
            "UnitPrice": Decimal(self.random.choice(PRICES)),
            "IncomeAccountRef": {"value": self.random.choice(("1", "2"))},
            "Taxable": self.random.random() < 0.5, "Description": self.text(),
        }  # fmt: skip
        self.make("quickbooks", "item", self.quickbooks.create("Item", body))

    def edit_item_here(self) -> None:
        one = self.pick(self.here("items"))
        accounts = [a for a in self.here("accounts") if a["kind"] == "Income"]
        change: Raw = self.random.choice((
            {"name": self.name()}, {"unit_price": self.maybe(self.random.choice(PRICES))}, {"description": self.text()},
            {"active": not one["active"]}, {"unit_cost": self.random.choice(PRICES)}, {"taxable": not one["taxable"]},
            {"income_account_id": self.pick(accounts)["id"] if accounts else None}, {"sku": self.maybe("SKU 1")},
        ))  # fmt: skip
        self.say(f"contractor: item {one['id']} {change}")
        self.contractor.edit("items", one["id"], change)

    def edit_item_there(self) -> None:
        one = self.pick(self.there("Item"))
        change: Raw = self.random.choice((
            {"Name": self.name().replace(":", "")}, {"UnitPrice": Decimal(self.random.choice(PRICES))},
            {"Description": self.text()}, {"Active": not one["Active"]}, {"Taxable": not one.get("Taxable")},
            {"IncomeAccountRef": {"value": self.random.choice(("1", "2"))}}, {"Sku": self.text()},
        ))  # fmt: skip
        self.say(f"quickbooks: item {one['Id']} {change}")
        self.quickbooks.edit("Item", one["Id"], change)

    def c_division(self) -> None:
        body = {"name": self.name(), "active": True}
        self.make("contractor", "division", self.contractor.create("divisions", body))

    def q_division(self) -> None:
        body = {"Name": self.name().replace(":", "")}
        self.make("quickbooks", "division", self.quickbooks.create("Class", body))

    def edit_division(self) -> None:
        if self.random.random() < 0.5:
            one = self.pick(self.here("divisions"))
            change: Raw = self.random.choice(({"name": self.name()}, {"active": not one["active"]}))
            self.say(f"contractor: division {one['id']} {change}")
            self.contractor.edit("divisions", one["id"], change)
        else:
            one = self.pick(self.there("Class"))
            change = self.random.choice(({"Name": self.name().replace(":", "")}, {"Active": not one["Active"]}))
            self.say(f"quickbooks: division {one['Id']} {change}")
            self.quickbooks.edit("Class", one["Id"], change)

    # Invoices.

    def c_line(self) -> Raw:
        chance = self.random.random()
        if chance < 0.1:
            return {"description": self.text()}
        if chance < 0.18:
            return {"amount": f"-{self.money(1, 500)}", "taxable": False}
        line: Raw = {"item_id": self.pick(self.here("items"))["id"], "description": self.maybe(self.text())}
        if self.random.random() < 0.8:
            line |= {"quantity": self.random.choice(QUANTITIES), "unit_price": self.random.choice(PRICES)}
        else:
            line["amount"] = self.money()
        divisions = self.here("divisions")
        if divisions and self.random.random() < 0.4:
            line["division_id"] = self.pick(divisions)["id"]
        return {**line, "taxable": self.random.random() < 0.4}

    def c_invoice(self) -> None:
        customer = self.pick(self.here("customers"))
        jobs = [j for j in self.here("jobs") if j["customer_id"] == customer["id"]]
        dated = self.day()
        body = {
            "number": self.maybe(self.number()), "customer_id": customer["id"],
            "job_id": self.pick(jobs)["id"] if jobs and self.random.random() < 0.7 else None,
            "issue_date": dated, "due_date": self.maybe("2026-12-01"), "memo": self.maybe(self.text()),
            "tax_rate_id": self.maybe(self.pick(self.here("tax_rates"))["id"]),
            "terms_id": self.maybe(self.pick(self.here("terms"))["id"]),
            "lines": [self.c_line() for _ in range(self.random.randrange(1, 6))],
            "status": "draft" if self.random.random() < 0.05 else "sent",
        }  # fmt: skip
        self.make("contractor", "invoice", self.contractor.create("invoices", body))

    def q_line(self) -> Raw:
        chance = self.random.random()
        if chance < 0.1:
            return {"DetailType": "DescriptionOnly", "Description": self.text() or "words", "DescriptionLineDetail": {}}
        quantity, price = Decimal(self.random.choice(("1", "2", "3.5", "0"))), Decimal(self.random.choice(PRICES))
        detail = {
            "ItemRef": {"value": self.pick(self.there("Item"))["Id"]}, "Qty": quantity, "UnitPrice": price,
            "TaxCodeRef": {"value": self.random.choice(("TAX", "NON"))},
        }  # fmt: skip
        classes = [c for c in self.there("Class") if c["Active"]]
        if classes and self.random.random() < 0.4:
            detail["ClassRef"] = {"value": self.pick(classes)["Id"]}
        return {
            "DetailType": "SalesItemLineDetail", "Amount": cents(quantity * price), "Description": self.text(),
            "SalesItemLineDetail": detail,
        }  # fmt: skip

    def q_invoice(self) -> None:
        lines = [self.q_line() for _ in range(self.random.randrange(1, 5))]
        if self.random.random() < 0.2:
            lines.append({"DetailType": "DiscountLineDetail", "Amount": Decimal("1.00"),
                          "DiscountLineDetail": {"PercentBased": False}})  # fmt: skip
        body: Raw = {
            "CustomerRef": {"value": self.pick(self.there("Customer"))["Id"]}, "TxnDate": self.day(), "Line": lines,
            "CustomerMemo": {"value": self.text()},
        }  # fmt: skip
        if self.random.random() < 0.7:
            body["DocNumber"] = self.number()
        if self.random.random() < 0.6:
            body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": "2"}}
        self.make("quickbooks", "invoice", self.quickbooks.create("Invoice", body))

    def edit_invoice_here(self) -> None:
        one = self.pick(self.here("invoices"))
        lines = [{k: v for k, v in line.items() if k != "amount" or line["quantity"] is None} for line in one["lines"]]
        kept = lines[:]
        jobs = [j for j in self.here("jobs") if j["customer_id"] == one["customer_id"]]
        chance = self.random.random()
        if chance < 0.25:
            kept.insert(self.random.randrange(len(kept) + 1), self.c_line())
        elif chance < 0.4 and len(kept) > 1:
            kept.pop(self.random.randrange(len(kept)))
        elif chance < 0.6:
            line = self.pick(kept)
            if line.get("quantity") is not None:
                line["quantity"] = self.random.choice(QUANTITIES)
        elif chance < 0.7:
            self.random.shuffle(kept)
        elif chance < 0.8:
            self.pick(kept)["description"] = self.text()
        change: Raw = {"lines": kept} if chance < 0.8 else self.random.choice((
            {"memo": self.maybe(self.text())}, {"number": self.maybe(self.number())}, {"issue_date": self.day()},
            {"due_date": "2027-01-15"}, {"tax_rate_id": self.maybe(self.pick(self.here("tax_rates"))["id"])},
            {"terms_id": self.maybe(self.pick(self.here("terms"))["id"])},
            {"customer_id": self.pick(self.here("customers"))["id"], "job_id": None},

                       {"job_id": self.maybe(self.pick(jobs)["id"])},
        ))  # fmt: skip
        self.say(f"contractor: invoice {one['id']} {change}")
        self.contractor.edit("invoices", one["id"], change)

    def edit_invoice_there(self) -> None:
        one = self.pick(self.there("Invoice"))
        lines = [
            {k: v for k, v in line.items() if k != "LineNum"}
            for line in one["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]
        chance = self.random.random()
        if chance < 0.25:
            lines.insert(0, self.q_line())
        elif chance < 0.4 and len(lines) > 1:
            lines.pop(self.random.randrange(len(lines)))
        elif chance < 0.6:
            line = self.pick(lines)
            detail = line.get("SalesItemLineDetail")
            if detail and "UnitPrice" in detail:
                detail["Qty"] = Decimal(self.random.choice(("1", "2", "4.5")))
                line["Amount"] = cents(detail["Qty"] * Decimal(detail["UnitPrice"]))
        elif chance < 0.7:
            self.random.shuffle(lines)
        elif chance < 0.8:
            self.pick(lines)["Description"] = self.text()
        change: Raw = {"Line": lines} if chance < 0.8 else self.random.choice((
            {"CustomerMemo": {"value": self.text()}}, {"DocNumber": self.number()}, {"TxnDate": self.day()},
            {"DueDate": "2027-02-01"}, {"PrivateNote": "internal"}, {"SalesTermRef": {"value": "4"}},
            {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}}, {"TxnTaxDetail": {}},
            {"CustomerRef": {"value": self.pick(self.there("Customer"))["Id"]}},
        ))  # fmt: skip
        self.say(f"quickbooks: invoice {one['Id']} {change}")
        self.quickbooks.edit("Invoice", one["Id"], change)

    def end_document(self) -> None:
        entity = self.random.choice(("invoice", "invoice", "payment"))
        verb = self.random.choice(("void", "delete"))
        if self.random.random() < 0.5:
            one = self.pick(self.here(f"{entity}s"))
            self.say(f"contractor: {verb} {entity} {one['id']}")
            getattr(self.contractor, verb)(f"{entity}s", one["id"])
        else:
            one = self.pick(self.there(entity.title()))
            self.say(f"quickbooks: {verb} {entity} {one['Id']}")
            getattr(self.quickbooks, verb)(entity.title(), one["Id"])

    # Payments.

    def c_allocations(self, customer: str) -> list[Raw]:
        due = [
            i
            for i in self.here("invoices")
            if i["customer_id"] == customer and Decimal(i["balance"]) > 0 and i["status"] == "sent"
        ]
        self.random.shuffle(due)
        share = (Decimal(1), Decimal("0.5"))
        return [
            {"invoice_id": i["id"],
            "amount": str(max(cents(Decimal(i["balance"]) * self.random.choice(share)), Decimal("0.01")))}
            for i in due[: self.random.randrange(4)]
        ]  # fmt: skip

    def c_payment(self) -> None:
        customers = {i["customer_id"] for i in self.here("invoices")}
        customer = self.random.choice(sorted(customers)) if customers else self.pick(self.here("customers"))["id"]
        parts = self.c_allocations(customer)
        extra = Decimal(self.random.choice(("0", "0", "25.00")))
        amount = sum((Decimal(p["amount"]) for p in parts), extra) or Decimal("10.00")
        body = {
            "customer_id": customer, "date": self.day(), "amount": f"{amount:.2f}", "allocations": parts,
            "method_id": self.maybe(self.pick(self.here("payment_methods"))["id"]), "memo": self.maybe(self.text()),
            "reference": self.maybe(f"CHK {self.random.randrange(999)}"),
        }  # fmt: skip
        self.make("contractor", "payment", self.contractor.create("payments", body))

    def q_payment(self) -> None:
        due = [i for i in self.there("Invoice") if cents(i["Balance"]) > 0]
        first = self.pick(due)
        party = first["CustomerRef"]["value"]
        mine = [i for i in due if i["CustomerRef"]["value"] == party][: self.random.randrange(1, 3)]
        lines: list[Raw] = [
            {"Amount": cents(i["Balance"]), "LinkedTxn": [{"TxnId": i["Id"], "TxnType": "Invoice"}]} for i in mine
        ]
        total = sum((line["Amount"] for line in lines), Decimal(self.random.choice(("0", "15.50"))))
        body = {
            "CustomerRef": {"value": party},
            "TotalAmt": total,
            "Line": lines,
            "TxnDate": self.day(),
            "PrivateNote": self.text(),
        }
        self.make("quickbooks", "payment", self.quickbooks.create("Payment", body))

    def edit_payment_here(self) -> None:
        one = self.pick(self.here("payments"))
        change: Raw = self.random.choice((
            {"reference": self.maybe("NEW REF")}, {"memo": self.text()}, {"date": self.day()},
            {"allocations": one["allocations"][:-1]}, {"amount": f"{Decimal(one['amount']) + 5:.2f}"},
            {"allocations": self.c_allocations(one["customer_id"])},
            {"method_id": self.maybe(self.pick(self.here("payment_methods"))["id"])},
        ))  # fmt: skip
        self.say(f"contractor: payment {one['id']} {change}")
        self.contractor.edit("payments", one["id"], change)

    def edit_payment_there(self) -> None:
        one = self.pick(self.there("Payment"))
        lines = [{k: v for k, v in line.items() if k != "LineEx"} for line in one.get("Line", [])]
        change: Raw = self.random.choice((
            {"PaymentRefNum": "Q-77"}, {"PrivateNote": self.text()}, {"TxnDate": self.day()},
            {"TotalAmt": one["TotalAmt"], "Line": lines[:-1]}, {"TotalAmt": one["TotalAmt"] + 7, "Line": lines},
            {"PaymentMethodRef": {"value": "2"}},
        ))  # fmt: skip
        self.say(f"quickbooks: payment {one['Id']} {change}")
        self.quickbooks.edit("Payment", one["Id"], change)

    def both_sides(self) -> None:
        """The same or different fields of probably the same record, on both sides before anybody compares."""
        here, there = self.random.choice(
            (
                (Editor.edit_customer_here, Editor.edit_customer_there),
                (Editor.edit_invoice_here, Editor.edit_invoice_there),
                (Editor.edit_item_here, Editor.edit_item_there),
            )
        )
        here(self)
        there(self)


ACTS: list[tuple[Callable[[Editor], None], float]] = [
    (Editor.c_customer, 6), (Editor.q_customer, 5), (Editor.q_vendor, 0.5), (Editor.edit_customer_here, 5),
    (Editor.edit_customer_there, 5), (Editor.delete_name_here, 2), (Editor.c_job, 4), (Editor.q_job, 3),
    (Editor.edit_job_here, 3), (Editor.edit_job_there, 3), (Editor.c_item, 4), (Editor.q_item, 3),
    (Editor.edit_item_here, 4), (Editor.edit_item_there, 4), (Editor.c_division, 2), (Editor.q_division, 2),
    (Editor.edit_division, 2), (Editor.c_invoice, 9), (Editor.q_invoice, 7), (Editor.edit_invoice_here, 9),
    (Editor.edit_invoice_there, 9), (Editor.end_document, 3), (Editor.c_payment, 6), (Editor.q_payment, 5),
    (Editor.edit_payment_here, 4), (Editor.edit_payment_there, 4), (Editor.both_sides, 4),
]  # fmt: skip
