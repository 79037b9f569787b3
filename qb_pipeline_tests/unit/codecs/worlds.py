"""A company's facts, its codecs and a small model of how QBO applies what is sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import simplejson

from qb_pipeline.entities import ENTITIES
from qb_pipeline.quickbooks.facts import Facts

FACTS = Facts(
    class_tracking="line",
    job_parents={"71": "7", "72": "7", "711": "7"},
    rate_percents={"1": Decimal("7.1"), "2": Decimal(2)},
    default_income_account="1",
    default_goods_income_account="79",
    default_expense_account="80",
    discount_account="86",
)


def blank(entity: str, **given: Any) -> dict[str, Any]:
    """Complete values of an entity: what is given, and None (no lines) for the rest."""
    empty: dict[str, Any] = {f.name: () if f.lines else None for f in ENTITIES[entity].fields}
    return {**empty, **given}


def line(kind: str = "item", **given: Any) -> dict[str, Any]:
    fields: dict[str, Any] = dict.fromkeys(
        ("id", "item", "description", "quantity", "unit_price", "amount", "division")
    )
    return {**fields, "kind": kind, "taxable": False if kind == "item" else None, **given}


def invoice(*lines: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Values of an invoice of customer 7 with these lines."""
    return blank("invoice", **{"customer": "7", "date": date(2026, 3, 1), "number": "R-1042", "lines": lines, **given})


def over_the_wire(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body as it arrives: through JSON, so that nothing but JSON's own types is sent."""
    sent: dict[str, Any] = simplejson.loads(simplejson.dumps(body, use_decimal=True), use_decimal=True)
    return sent


def applied(current: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The object after a sparse update: properties sent replace whole ones, an empty text clears."""
    sent = over_the_wire(body)
    merged = {**current, **{k: v for k, v in sent.items() if k not in ("sparse", "Id", "SyncToken")}}
    return {k: v for k, v in merged.items() if v != ""}


def changed_keys(body: Mapping[str, Any]) -> set[str]:
    """What a sparse update names beside the record and its version."""
    return set(body) - {"Id", "SyncToken", "sparse"}
