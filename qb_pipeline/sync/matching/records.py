"""From canonical records to the matcher that fits their entity.

Invariant: which field plays which part is read off the entity's spec, so a new entity is matched without code here.
References in the values are ids that both sides share (None where not linked yet); left is the contractor's side.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from datetime import date
from decimal import Decimal

from qb_pipeline.entities.records import Value, Values
from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy
from qb_pipeline.sync.matching.documents import duplicate_documents, match_documents
from qb_pipeline.sync.matching.model import Candidate, Document, Named, Pair, Party
from qb_pipeline.sync.matching.names import duplicate_names, match_names
from qb_pipeline.sync.matching.party import duplicate_parties, match_parties

OWN = ("name", "company_name", "first_name", "last_name", "email", "phone", "tax_id")
# What entries of one name must share to be one entry, in the order in which it is told.
FACTS = ("kind", "percent", "due_days")


def candidates(
    entity: Entity,
    contractor: Mapping[str, Values],
    quickbooks: Mapping[str, Values],
    *,
    rejected: Collection[Pair] = frozenset(),
) -> list[Candidate]:
    """Links and weak candidates between two sides' records of one entity, each given as native id to values.

    Records that belong to something not linked yet (a job whose customer is unknown) are left out: they match later.
    `rejected` pairs (contractor's id, QuickBooks' id) are never returned; their records find their next best partner.
    """
    if entity.match_by is MatchBy.PARTY:
        return match_parties(_parties(entity, contractor), _parties(entity, quickbooks), rejected=rejected)
    if entity.match_by is MatchBy.NAME:
        return match_names(_entries(entity, contractor), _entries(entity, quickbooks), rejected=rejected)
    return match_documents(_documents(entity, contractor), _documents(entity, quickbooks), rejected=rejected)


def duplicates(
    entity: Entity, records: Mapping[str, Values], *, rejected: Collection[Pair] = frozenset()
) -> list[Candidate]:
    """Pairs among one side's records that may be one, the lower id left; a record may have several duplicates."""
    if entity.match_by is MatchBy.PARTY:
        return duplicate_parties(_parties(entity, records), rejected=rejected)
    if entity.match_by is MatchBy.NAME:
        return duplicate_names(_entries(entity, records), rejected=rejected)
    return duplicate_documents(_documents(entity, records), rejected=rejected)


def _parties(entity: Entity, records: Mapping[str, Values]) -> list[Party]:
    return [_party(entity, record_id, v) for record_id, v in records.items()]


def _documents(entity: Entity, records: Mapping[str, Values]) -> list[Document]:
    return [_document(entity, record_id, v) for record_id, v in records.items()]


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _party(entity: Entity, record_id: str, values: Values) -> Party:
    prefix = next((f.group for f in entity.fields if f.group and f.name == f"{f.group}_line1"), "")
    own = {
        n: _text(values.get(n)) for n in ("name", "company_name", "first_name", "last_name", "email", "phone", "tax_id")
    }
    place = {
        n: _text(values.get(f"{prefix}_{n}" if prefix else n))
        for n in ("line1", "line2", "city", "state", "postal_code")
    }
    return Party(record_id, **own, **place)


def _owner(entity: Entity) -> Field | None:
    """The reference a record cannot be without: a job's customer, a document's party."""
    return next((f for f in entity.fields if f.kind is Kind.REF and f.required), None)


def _entries(entity: Entity, records: Mapping[str, Values]) -> list[Named]:
    owner, code_field = _owner(entity), _code_field(entity)
    return [
        Named(record_id, _text(v.get("name")), _text(v.get(code_field)), _reference(v, owner), _facts(entity, v))
        for record_id, v in records.items()
        if owner is None or _reference(v, owner) is not None
    ]


def _facts(entity: Entity, values: Values) -> tuple[tuple[str, Hashable], ...]:
    found = ((name, values.get(name)) for name in FACTS if name in entity)
    return tuple((entity[name].label, v) for name, v in found if isinstance(v, str | int | Decimal))


def _code_field(entity: Entity) -> str:
    own = [name for name in (*entity.unique_by, "code") if name != "name" and name in entity]
    return own[0] if own else ""


def _reference(values: Values, field: Field | None) -> Hashable:
    found = values.get(field.name) if field else None
    return found if isinstance(found, int | str) else None


def _document(entity: Entity, record_id: str, values: Values) -> Document:
    total = values.get(entity.total_field or "total")
    day = values.get("date")
    return Document(
        id=record_id,
        number=_text(values.get("number")),
        party=_reference(values, _owner(entity)),
        total=total if isinstance(total, Decimal) else None,
        date=day if isinstance(day, date) else None,
        reference=_text(values.get("reference")),
        lines=_lines(values.get("lines")),
    )


def _lines(value: Value) -> tuple[tuple[Hashable, Decimal | None], ...]:
    """Item and amount of each line that has an amount."""
    lines = value if isinstance(value, tuple) else ()
    found = ((line.get("item"), line.get("amount")) for line in lines)
    return tuple(
        (item if isinstance(item, int | str) else None, amount) for item, amount in found if isinstance(amount, Decimal)
    )
