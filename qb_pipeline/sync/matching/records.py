"""From canonical records to the matcher that fits their entity.

Invariant: which field plays which part is read off the entity's spec, so a new entity is matched without code here.
References in the values are ids that both sides share (None where not linked yet); left is the contractor's side.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date
from decimal import Decimal

from qb_pipeline.entities.records import Value, Values
from qb_pipeline.entities.spec import Entity, Field, Kind, MatchBy
from qb_pipeline.sync.matching.documents import match_documents
from qb_pipeline.sync.matching.model import Candidate, Document, Named, Party
from qb_pipeline.sync.matching.names import match_names
from qb_pipeline.sync.matching.party import match_parties


def candidates(entity: Entity, contractor: Mapping[str, Values], quickbooks: Mapping[str, Values]) -> list[Candidate]:
    """Links and weak candidates between two sides' records of one entity, each given as native id to values.

    Records that belong to something not linked yet (a job whose customer is unknown) are left out: they match later.
    """
    if entity.match_by is MatchBy.PARTY:
        return match_parties(
            [_party(entity, i, v) for i, v in contractor.items()], [_party(entity, i, v) for i, v in quickbooks.items()]
        )
    if entity.match_by is MatchBy.NAME:
        return match_names(_entries(entity, contractor), _entries(entity, quickbooks))
    return match_documents(
        [_document(entity, i, v) for i, v in contractor.items()],
        [_document(entity, i, v) for i, v in quickbooks.items()],
    )


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _party(entity: Entity, record_id: str, values: Values) -> Party:
    prefix = next((f.group for f in entity.fields if f.group and f.name == f"{f.group}_line1"), "")
    own = {n: _text(values.get(n)) for n in ("name", "company_name", "first_name", "last_name", "email", "phone")}
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
        Named(record_id, _text(v.get("name")), _text(v.get(code_field)), _reference(v, owner))
        for record_id, v in records.items()
        if owner is None or _reference(v, owner) is not None
    ]


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
    )
