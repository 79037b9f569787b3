"""ExchangeRate: home units for one unit of a currency, by day.

Invariant: there is one rate for a currency and a day; it has neither Id nor a version that is checked, so writing it
again replaces it.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.currencies import home_code, is_multicurrency, rate_on
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import identity
from qb_pipeline.sandbox.quickbooks.schema import Day, Number, Property, Text, clean, clean_day
from qb_pipeline.sandbox.quickbooks.times import today

NAME = "ExchangeRate"
PROPERTIES: dict[str, Property] = {
    "SourceCurrencyCode": Text(3),
    "TargetCurrencyCode": Text(3),
    "Rate": Number(),
    "AsOfDate": Day(),
    "MetaData": RO,
    "CustomField": RO,
    **dict.fromkeys(("Id", "SyncToken", "sparse", "domain"), RO),
}


def write(company: Company, body: JsonObject) -> JsonObject:
    """Set a rate. 2020, 2140, 2220, 5030."""
    if not is_multicurrency(company):
        raise Fault(5030, "Multicurrency is off; a person has to switch it on first.")
    sent = clean(PROPERTIES, body, NAME).values
    for key in ("SourceCurrencyCode", "Rate"):
        if sent.get(key) is None:
            raise missing(key)
    code, rate = str(sent["SourceCurrencyCode"]).upper(), decimal_of(sent["Rate"])
    check_kept(company, code)
    if rate <= 0:
        raise Fault(2140, f"Rate must be greater than 0, not {rate}.", element="Rate")
    if sent.get("TargetCurrencyCode", home_code(company)) != home_code(company):
        raise Fault(2220, f"TargetCurrencyCode must be {home_code(company)}.", element="TargetCurrencyCode")
    obj = rated(company, code, str(sent.get("AsOfDate") or today(company.now).isoformat()), rate)
    before = company.store.get(NAME, identity(NAME, obj))
    token = "0" if before is None else str(int(before["SyncToken"]) + 1)
    stored = {**obj, "SyncToken": token, "MetaData": {"LastUpdatedTime": company.stamp}}
    company.store.put(NAME, stored, before)
    return stored


def check_kept(company: Company, code: str) -> None:
    """2220 for a currency the company does not keep."""
    try:
        company.currency_of({"value": code})
    except Fault as fault:
        raise Fault(2220, f"{code} is none of the company's currencies.", element="SourceCurrencyCode") from fault


def rated(company: Company, code: str, day: str, rate: Decimal) -> JsonObject:
    """The object of a rate."""
    return {
        "SyncToken": "0",
        "domain": "QBO",
        "AsOfDate": day,
        "SourceCurrencyCode": code,
        "Rate": number(rate),
        "TargetCurrencyCode": home_code(company),
        "MetaData": {"LastUpdatedTime": company.stamp},
    }


def rate_of_day(company: Company, code: str | None, day: str | None) -> JsonObject:
    """What `GET /exchangerate?sourcecurrencycode=EUR&asofdate=2026-03-01` answers; 1 where none was ever set."""
    if not code:
        raise missing("sourcecurrencycode")
    check_kept(company, code.upper())
    wanted = clean_day(day, "asofdate") if day else today(company.now).isoformat()
    stored = company.store.get(NAME, f"{code.upper()}:{wanted}")
    return stored or rated(company, code.upper(), wanted, rate_on(company, code.upper(), wanted) or Decimal(1))


def refuse(_company: Company, _draft: Draft) -> JsonObject:
    """A rate is written by its handlers alone."""
    raise unsupported(f"write {NAME}")


EXCHANGE_RATE = Entity(
    name=NAME,
    properties=PROPERTIES,
    layout=HEAD,
    sequence=NAME,
    verbs=frozenset({"create", "update"}),
    complete=refuse,
    handlers={"create": write, "update": write},
)
