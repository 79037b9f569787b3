"""How the bookkeeper spelled the same customers: two offices never write one name alike.

Invariant: a respelled party is still the same one to a person who reads it; nothing is changed that would make it
another party.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Record = dict[str, Any]
_STREETS = {
    "Street": "St", "Avenue": "Ave", "Road": "Rd", "Boulevard": "Blvd", "Lane": "Ln", "Drive": "Dr", "Court": "Ct",
    "Place": "Pl",
}  # fmt: skip
_WORDS = {
    "Apartments": "Apts", "Management": "Mgmt", "Association": "Assn", "Center": "Ctr", "Community": "Comm.",
    "Brothers": "Bros.", "Hospital": "Hosp.", "Company": "Co.", "Restaurant": "Rest.",
}  # fmt: skip
_FORMS = ("LLC", "Inc.", "Co.")


def respelled(random: Random, party: Record) -> Record:
    """The party as the other office knows it: name, street, and perhaps no phone or e-mail."""
    return {**party, **_name(random, party), **_contact(random, party), "billing_address": _street(random, party)}


def _name(random: Random, party: Record) -> Record:
    if party.get("company_name"):
        shown = random.choice((_without_form, _abbreviated, _with_comma, _upper))(str(party["name"]))
        return {"name": shown, "company_name": shown}
    if not (party.get("first_name") and party.get("last_name")):
        return {}
    shown = random.choice(_PERSON)(str(party["first_name"]), str(party["last_name"]))
    return {"name": shown}


_PERSON: tuple[Callable[[str, str], str], ...] = (
    lambda first, last: f"{last}, {first}",
    lambda first, last: f"{last}, {first}",
    lambda first, last: f"{first} {last}",
    lambda first, last: f"{first.upper()} {last.upper()}",
)


def _without_form(name: str) -> str:
    return next((name.removesuffix(form).rstrip(" ,") for form in _FORMS if name.endswith(f" {form}")), name)


def _with_comma(name: str) -> str:
    return next((f"{name.removesuffix(form).rstrip()}, {form}" for form in _FORMS if name.endswith(f" {form}")), name)


def _abbreviated(name: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in name.split())


def _upper(name: str) -> str:
    return name.upper()


def _contact(random: Random, party: Record) -> Record:
    phone, mail = party.get("phone"), party.get("email")
    chance = random.random()
    if chance < 0.25:
        return {"phone": None}
    if chance < 0.4:
        return {"email": None}
    digits = "".join(c for c in str(phone or "") if c.isdigit())
    written = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if len(digits) == 10 else phone
    return {"phone": written, "email": str(mail).upper() if mail and chance > 0.9 else mail}


def _street(random: Random, party: Record) -> Record | None:
    address = party.get("billing_address")
    if not address or not address.get("line1") or random.random() < 0.3:
        return address
    words = str(address["line1"]).split()
    return {**address, "line1": " ".join(_STREETS.get(word, word) for word in words)}
