"""Customers, vendors, employees, items, accounts and the small lists."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, money


def test_a_customer_gets_an_id_a_token_and_the_server_made_fields(books: Books) -> None:
    made = books.customer("Ridge Farm", PrimaryEmailAddr={"Address": "ana@ridge.test"}, BillAddr={"Line1": "1 Mill Ln"})
    assert (made["SyncToken"], made["sparse"], made["domain"], made["Active"]) == ("0", False, "QBO", True)
    assert made["FullyQualifiedName"] == made["PrintOnCheckName"] == "Ridge Farm"
    assert made["BillAddr"]["Id"].isdecimal()
    assert made["Balance"] == made["BalanceWithJobs"] == 0
    assert books.again("Customer", made) == made


def test_a_display_name_is_made_of_the_parts_of_the_name(books: Books) -> None:
    made = books.make("Customer", {"GivenName": "Ana", "FamilyName": "Cole"})
    assert made["DisplayName"] == "Ana Cole"


def test_customer_vendor_and_employee_share_one_name_space_without_regard_to_case(books: Books) -> None:
    first = books.customer("Ortega Electric")
    status, code, detail = books.refused("vendor", {"DisplayName": "ORTEGA electric"})
    assert (status, code) == (400, "6240")
    assert f"Id={first['Id']}" in detail
    assert books.refused("employee", {"GivenName": "Ortega", "FamilyName": "Electric"})[1] == "6240"


def test_people_share_one_id_sequence_and_items_have_their_own(books: Books) -> None:
    ids = [books.customer("A")["Id"], books.make("Vendor", {"DisplayName": "B"})["Id"]]
    ids.append(books.make("Employee", {"GivenName": "C"})["Id"])
    assert ids == ["1", "2", "3"]
    assert books.item()["Id"] == "1"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "6080"),
        ({"DisplayName": "   "}, "6080"),
        ({"DisplayName": "a:b"}, "2040"),
        ({"DisplayName": "a\tb"}, "2040"),
        ({"DisplayName": "x" * 501}, "2050"),
        ({"DisplayName": "A", "Title": "x" * 17}, "2050"),
        ({"DisplayName": "A", "PrimaryEmailAddr": {"Address": "no address"}}, "2210"),
        ({"DisplayName": "A", "Nickname": "B"}, "2010"),
        ({"DisplayName": "A", "Sparse": True}, "2010"),
        ({"Customer": {"DisplayName": "A"}}, "2010"),
        ({"DisplayName": "A", "BillAddr": "Main St"}, "2010"),
        ({"DisplayName": "A", "SalesTermRef": "3"}, "2010"),
        ({"DisplayName": "A", "SalesTermRef": {"value": "999"}}, "2500"),
        ({"DisplayName": "A", "Job": True}, "6150"),
        ({"DisplayName": "A", "ParentRef": {"value": "999"}}, "2500"),
        ({"DisplayName": "A", "PreferredDeliveryMethod": "Email"}, "6420"),
        ({"DisplayName": "A", "PreferredDeliveryMethod": "Pigeon"}, "2170"),
        ({"DisplayName": "A", "Active": "maybe"}, "2230"),
        ({"DisplayName": "A", "CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"DisplayName": "A", "Balance": 5}, "6060"),
        ("[]", "2010"),
        ("{", "2010"),
        (b'{"DisplayName": "caf\xe9"}', "500"),
    ],
)
def test_a_customer_that_breaks_a_rule_is_refused_with_its_code(books: Books, body: Body, code: str) -> None:
    status, found, _ = books.refused("customer", body)
    assert (status, found) == (400, code)
    assert books.query("select count(*) from Customer") == {"totalCount": 0}


def test_empty_text_and_echoed_read_only_fields_are_ignored_on_create(books: Books) -> None:
    echo = {"Balance": 0, "Level": 0, "FullyQualifiedName": "", "OpenBalanceDate": "", "SyncToken": 0, "domain": "QBO"}
    made = books.make("Customer", {"DisplayName": "A", "CompanyName": "", "sparse": False, **echo})
    assert "CompanyName" not in made
    assert "Level" not in made


def test_a_sub_customer_shows_its_path_and_level_and_follows_its_parents_new_name(books: Books) -> None:
    parent = books.customer("Ridge Farm")
    job = books.customer("New barn", Job=True, ParentRef={"value": parent["Id"]})
    assert (job["FullyQualifiedName"], job["Level"]) == ("Ridge Farm:New barn", 1)
    books.change("Customer", parent, DisplayName="Ridge Farm LLC")
    renamed = books.again("Customer", job)
    assert renamed["FullyQualifiedName"] == "Ridge Farm LLC:New barn"
    assert renamed["SyncToken"] == job["SyncToken"]


def test_a_job_moved_to_another_customer_takes_its_balance_along(books: Books) -> None:
    old, new, item = books.customer("Old"), books.customer("New"), books.item()
    job = books.customer("Job", Job=True, ParentRef={"value": old["Id"]})
    books.invoice(job, item, 100)
    current = books.again("Customer", job)
    moved = books.change("Customer", current, Job=True, ParentRef={"value": new["Id"]})
    assert moved["FullyQualifiedName"] == "New:Job"
    assert books.again("Customer", old)["BalanceWithJobs"] == 0
    assert books.again("Customer", new)["BalanceWithJobs"] == 100


def test_the_fifth_level_below_the_top_is_refused(books: Books) -> None:
    above = books.customer("Level 0")
    for level in range(1, 5):
        above = books.customer(f"Level {level}", Job=True, ParentRef={"value": above["Id"]})
    body = {"DisplayName": "Level 5", "Job": True, "ParentRef": {"value": above["Id"]}}
    assert books.refused("customer", body)[1] == "6180"


def test_a_customer_cannot_stand_below_its_own_job(books: Books) -> None:
    top = books.customer("Top")
    job = books.customer("Job", Job=True, ParentRef={"value": top["Id"]})
    body = {"Id": top["Id"], "SyncToken": "0", "sparse": True, "Job": True, "ParentRef": {"value": job["Id"]}}
    assert books.refused("customer", body)[1] == "900"


def test_a_job_cannot_be_turned_into_a_customer(books: Books) -> None:
    top = books.customer("Top")
    job = books.customer("Job", Job=True, ParentRef={"value": top["Id"]})
    assert books.refused("customer", {"Id": job["Id"], "SyncToken": "0", "sparse": True, "Job": False})[1] == "6150"


def test_an_inactive_customer_is_marked_frees_its_name_and_hides_from_queries(books: Books) -> None:
    first = books.customer("Ridge Farm")
    gone = books.change("Customer", first, Active=False)
    assert gone["DisplayName"] == gone["FullyQualifiedName"] == "Ridge Farm (deleted)"
    second = books.customer("Ridge Farm")
    also_gone = books.change("Customer", second, Active=False)
    assert also_gone["DisplayName"] == "Ridge Farm (deleted 1)"
    assert books.query("select * from Customer") == {}
    everyone = books.query("select * from Customer where Active in (true, false)")["Customer"]
    assert {one["Id"] for one in everyone} == {first["Id"], second["Id"]}
    assert books.again("Customer", first)["Active"] is False


def test_a_customer_made_active_again_gets_its_name_back_unless_it_is_taken(books: Books) -> None:
    gone = books.change("Customer", books.customer("Ridge Farm"), Active=False)
    back = books.change("Customer", gone, Active=True)
    assert back["DisplayName"] == "Ridge Farm"
    gone = books.change("Customer", back, Active=False)
    books.customer("Ridge Farm")
    body = {"Id": gone["Id"], "SyncToken": gone["SyncToken"], "sparse": True, "Active": True}
    assert books.refused("customer", body)[1] == "6240"


def test_a_customer_with_a_balance_cannot_be_made_inactive(books: Books) -> None:
    customer = books.customer()
    books.invoice(customer, books.item())
    current = books.again("Customer", customer)
    body = {"Id": customer["Id"], "SyncToken": current["SyncToken"], "sparse": True, "Active": False}
    assert books.refused("customer", body)[1] == "6220"


def test_a_stale_sync_token_is_refused_with_5010_and_a_missing_one_with_2020(books: Books) -> None:
    customer = books.customer()
    books.change("Customer", customer, Notes="one")
    stale = {"Id": customer["Id"], "SyncToken": "0", "sparse": True, "Notes": "two"}
    assert books.refused("customer", stale)[:2] == (400, "5010")
    assert books.refused("customer", {"Id": customer["Id"], "sparse": True})[1] == "2020"
    assert books.refused("customer", {"Id": "999", "SyncToken": "0"})[1] == "610"
    assert books.refused("customer", {"Id": "1.5", "SyncToken": "0"})[1] == "2030"


def test_a_sparse_update_changes_what_is_sent_and_a_full_update_clears_the_rest(books: Books) -> None:
    customer = books.customer("Ridge Farm", Notes="call first", CompanyName="Ridge LLC", GivenName="Ana")
    sparse = books.change("Customer", customer, Notes="ring twice", CompanyName="")
    assert (sparse["Notes"], sparse["GivenName"]) == ("ring twice", "Ana")
    assert "CompanyName" not in sparse
    full = books.make("Customer", {"Id": customer["Id"], "SyncToken": sparse["SyncToken"], "DisplayName": "Ridge"})
    assert (full["DisplayName"], full["SyncToken"], full["Active"]) == ("Ridge", "2", True)
    assert "Notes" not in full
    assert "GivenName" not in full


def test_a_rename_reaches_every_reference_without_touching_tokens_or_times(books: Books) -> None:
    customer, item = books.customer("Old name"), books.item("Old item")
    invoice = books.invoice(customer, item)
    books.change("Customer", books.again("Customer", customer), DisplayName="New name")
    books.change("Item", item, Name="New item")
    seen = books.again("Invoice", invoice)
    assert seen["CustomerRef"]["name"] == "New name"
    assert seen["Line"][0]["SalesItemLineDetail"]["ItemRef"]["name"] == "New item"
    assert (seen["SyncToken"], seen["MetaData"]) == (invoice["SyncToken"], invoice["MetaData"])


def test_names_cannot_be_deleted(books: Books) -> None:
    customer = books.customer()
    status, code, detail = books.refused("customer", {"Id": customer["Id"], "SyncToken": "0"}, operation="delete")
    assert (status, code) == (400, "500")
    assert "delete" in detail


def test_an_inventory_item_needs_quantity_start_date_and_three_accounts(books: Books) -> None:
    body: Body = {"Name": "Pump", "Type": "Inventory", "TrackQtyOnHand": True, "IncomeAccountRef": {"value": "28"}}
    assert books.refused("item", body)[1] == "6520"
    body |= {"QtyOnHand": 5, "InvStartDate": "2026-01-01"}
    assert books.refused("item", body)[1] == "2020"
    made = books.make("Item", {**body, "AssetAccountRef": {"value": "30"}, "ExpenseAccountRef": {"value": "29"}})
    assert money(made["QtyOnHand"]) == 5
    assert books.change("Item", made, QtyOnHand=9)["QtyOnHand"] == 5


def test_items_nest_in_categories_and_are_unique_within_their_category(books: Books) -> None:
    category = books.make("Item", {"Name": "Outdoor", "Type": "Category"})
    inside = books.item("Pump", SubItem=True, ParentRef={"value": category["Id"]})
    assert (inside["FullyQualifiedName"], inside["Level"]) == ("Outdoor:Pump", 1)
    assert books.item("Pump")["FullyQualifiedName"] == "Pump"
    assert books.refused("item", {"Name": "pump", "Type": "Service"})[1] == "6240"
    off = {"Id": category["Id"], "SyncToken": "0", "sparse": True, "Active": False}
    assert books.refused("item", off)[1] == "6000"


def test_an_item_sells_on_an_income_account_only(books: Books) -> None:
    body = {"Name": "X", "Type": "Service", "IncomeAccountRef": {"value": "25"}}
    assert books.refused("item", body)[1] == "6430"
    assert books.refused("item", {"Type": "Service"})[1] == "2020"


def test_an_account_derives_its_type_from_the_subtype_and_refuses_what_does_not_fit(books: Books) -> None:
    made = books.make("Account", {"Name": "Petty cash", "AccountSubType": "CashOnHand"})
    assert (made["AccountType"], made["Classification"]) == ("Bank", "Asset")
    assert books.refused("account", {"Name": "X"})[1] == "6010"
    wrong = {"Name": "X", "AccountType": "Bank", "AccountSubType": "Travel"}
    assert books.refused("account", wrong)[1] == "2170"
    assert books.refused("account", {"Name": 'a"b', "AccountType": "Bank"})[1] == "2040"
    child = {"Name": "Sub", "AccountType": "Expense", "ParentRef": {"value": made["Id"]}, "SubAccount": True}
    assert books.refused("account", child)[1] == "6000"


def test_class_ids_have_19_digits_and_classes_nest(books: Books) -> None:
    top = books.make("Class", {"Name": "North"})
    below = books.make("Class", {"Name": "Dover", "SubClass": True, "ParentRef": {"value": top["Id"]}})
    assert len(top["Id"]) == 19
    assert top["Id"].startswith("2000000000000")
    assert (below["FullyQualifiedName"], below["SubClass"]) == ("North:Dover", True)


def test_departments_terms_and_payment_methods_are_made_and_changed(books: Books) -> None:
    assert books.make("Department", {"Name": "Yard"})["FullyQualifiedName"] == "Yard"
    term = books.make("Term", {"Name": "Net 45", "DueDays": 45})
    assert term["Type"] == "STANDARD"
    dated = books.make("Term", {"Name": "15th", "DayOfMonthDue": 15, "DueNextMonthDays": 5})
    assert dated["Type"] == "DATE_DRIVEN"
    assert books.refused("term", {"Name": "Never"})[1] == "2020"
    method = books.make("PaymentMethod", {"Name": "Wire"})
    assert method["Type"] == "NON_CREDIT_CARD"
    assert books.refused("paymentmethod", {"Name": "wire"})[1] == "6240"


def test_an_employee_needs_a_name_of_its_own_and_hides_its_ssn(books: Books) -> None:
    assert books.refused("employee", {"DisplayName": "Sam"})[1] == "2020"
    made = books.make("Employee", {"GivenName": "Sam", "FamilyName": "Okafor", "SSN": "123-45-6789"})
    assert (made["DisplayName"], made["SSN"]) == ("Sam Okafor", "XXX-XX-XXXX")


def test_what_the_sandbox_does_not_model_is_refused_by_name(books: Books) -> None:
    parent = books.customer("Parent")
    project = {"DisplayName": "Roof", "IsProject": True, "Job": True, "ParentRef": {"value": parent["Id"]}}
    status, code, detail = books.refused("customer", project)
    assert (status, code) == (400, "500")
    assert "project" in detail
    assert "does not model" in detail
    assert books.refused("spaceship", {})[1] == "2000"
