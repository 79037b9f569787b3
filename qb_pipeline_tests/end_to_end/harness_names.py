"""People who enter and edit names: customers, vendors, jobs, items and divisions.

Invariant: each act is one person's, on one side, and tells the pipeline nothing.
"""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline_tests.end_to_end.harness import Raw
from qb_pipeline_tests.end_to_end.harness_people import PRICES, People


class NameKeepers(People):
    """Acts about names."""

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
            {"kind": "service" if one["kind"] == "material" else "material"},
        ))  # fmt: skip
        self.say(f"contractor: item {one['id']} {change}")
        self.contractor.edit("items", one["id"], change)

    def edit_item_there(self) -> None:
        one = self.pick(self.there("Item"))
        change: Raw = self.random.choice((
            {"Name": self.name().replace(":", "")}, {"UnitPrice": Decimal(self.random.choice(PRICES))},
            {"Description": self.text()}, {"Active": not one["Active"]}, {"Taxable": not one.get("Taxable")},
            {"IncomeAccountRef": {"value": self.random.choice(("1", "2"))}}, {"Sku": self.text()},
            {"Type": {"Service": "NonInventory", "NonInventory": "Service"}.get(one["Type"], one["Type"])},
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
