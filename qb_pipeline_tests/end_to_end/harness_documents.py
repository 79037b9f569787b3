"""People who enter, edit and end documents: invoices and payments.

Invariant: each act is one person's, on one side, and tells the pipeline nothing.
"""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline_tests.end_to_end.harness import Raw, cents
from qb_pipeline_tests.end_to_end.harness_people import PRICES, QUANTITIES, People


class DocumentKeepers(People):
    """Acts about documents."""

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
