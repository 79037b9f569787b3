"""A company made from a few recorded-looking objects: what the API itself cannot create (country, bundles)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import simplejson

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

HEAD: Body = {
    "domain": "QBO",
    "sparse": False,
    "SyncToken": "0",
    "MetaData": {"CreateTime": "2026-01-05T08:00:00-08:00", "LastUpdatedTime": "2026-01-05T08:00:00-08:00"},
}
SERVICES: Body = {
    "Id": "1",
    "Name": "Services",
    "FullyQualifiedName": "Services",
    "SubAccount": False,
    "Active": True,
    "Classification": "Revenue",
    "AccountType": "Income",
    "AccountSubType": "ServiceFeeIncome",
    "CurrentBalance": 0,
    "CurrentBalanceWithSubAccounts": 0,
}
CHECKING = {
    **SERVICES, "Id": "2", "Name": "Checking", "FullyQualifiedName": "Checking", "Classification": "Asset",
    "AccountType": "Bank", "AccountSubType": "Checking",
}  # fmt: skip


@contextmanager
def loaded(folder: Path, **entities: list[Body]) -> Iterator[Books]:
    """A server of its own with a company of these objects beside an income and a bank account."""
    for entity, objects in {"Account": [SERVICES, CHECKING], **entities}.items():
        rows = [simplejson.dumps({**HEAD, **obj}, use_decimal=True) for obj in objects]
        (folder / f"{entity}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    with running(data=folder, empty=False) as info:
        yield open_books(info)


def service(identifier: str, name: str, price: object = 0, **fields: object) -> Body:
    return {
        "Id": identifier, "Name": name, "FullyQualifiedName": name, "Active": True, "Taxable": True,
        "UnitPrice": price, "Type": "Service", "IncomeAccountRef": {"value": "1", "name": "Services"}, **fields,
    }  # fmt: skip


def rate(identifier: str, name: str, percent: object) -> Body:
    return {"Id": identifier, "Name": name, "Active": True, "RateValue": percent, "AgencyRef": {"value": "1"}}


def code(identifier: str, name: str, *rates: str) -> Body:
    details = [{"TaxRateRef": {"value": one}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0} for one in rates]
    return {
        "Id": identifier, "Name": name, "Active": True, "Taxable": bool(rates), "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": details}, "PurchaseTaxRateList": {"TaxRateDetail": []},
    }  # fmt: skip
