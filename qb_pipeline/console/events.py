"""From what a webhook said to what the inbox keeps.

Invariant: an event of something we do not synchronise is kept as ignored, one of a realm nobody is connected to as
unknown; the two spellings of one event never become two subjects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from qb_pipeline.console.notifications import Notified
from qb_pipeline.contractor.protocol import Change
from qb_pipeline.contractor.webhook import Delivery
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store.inbox import Event, InboxState

_OBJECTS = frozenset(entity.quickbooks_object for entity in ENTITIES.values())


def of_quickbooks(notified: Iterable[Notified], by_realm: Mapping[str, str]) -> list[Event]:
    """`by_realm` names the company of each realm known so far."""
    return [_of_quickbooks(each, by_realm.get(each.realm_id)) for each in notified]


def of_contractor(delivery: Delivery, companies: Iterable[str]) -> list[Event]:
    """One event for each company that signs with the secret: the delivery does not say which of them it means."""
    found = [(change, InboxState.NEW) for change in delivery.changes]
    found += [(change, InboxState.IGNORED) for change in delivery.ignored]
    return [_of_contractor(change, company, state) for company in companies for change, state in found]


def _of_quickbooks(one: Notified, company: str | None) -> Event:
    return Event(
        source=Side.QUICKBOOKS.value,
        subject=one.name,
        record_id=one.id,
        operation=one.operation,
        dedupe_key=one.key,
        occurred_at=one.occurred_at,
        company=company,
        realm_id=one.realm_id,
        detail={"deleted_id": one.deleted_id} if one.deleted_id else {},
        state=_state(one.name, company),
    )


def _state(name: str, company: str | None) -> InboxState:
    if name not in _OBJECTS:
        return InboxState.IGNORED
    return InboxState.NEW if company is not None else InboxState.UNKNOWN


def _of_contractor(change: Change, company: str, state: InboxState) -> Event:
    # Ids of events are the workspace's own: another company's system may use the same.
    parts = json.dumps([company, change.dedupe_key, change.entity, change.id, change.kind])
    return Event(
        source=Side.CONTRACTOR.value,
        subject=change.entity,
        record_id=change.id,
        operation=change.kind,
        dedupe_key="sha256:" + hashlib.sha256(parts.encode()).hexdigest(),
        occurred_at=change.occurred_at,
        company=company,
        state=state,
    )
