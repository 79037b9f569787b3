"""Change data capture.

Invariant: at most `cap` objects (1000, or the switch `cdc_cap`) leave, over all entities asked for, with no sign of
what was left out.

    changes(store, entities, changed_since, now, cap) -> JSON text of the CDCResponse array

`GET /cdc` answers with it, and a batch item with a `CDCQuery {"Entities", "ChangedSince"}`. The moment itself counts as
changed; a time without a zone is read as US Pacific. Paging parameters are ignored, as QBO ignores them.
"""

from datetime import datetime, timedelta

from qb_pipeline.sandbox.quickbooks.entities.registry import WITHOUT_CDC, name_of
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing, system_failure, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import dumps
from qb_pipeline.sandbox.quickbooks.store import Store
from qb_pipeline.sandbox.quickbooks.times import parse_instant

CAP = 1000
LOOK_BACK = timedelta(days=30)


def changes(store: Store, entities: str | None, changed_since: str | None, now: datetime, cap: int = CAP) -> str:
    """One QueryResponse an entity in the order asked; an unchanged one is `{}`."""
    names = entity_names(entities)
    since = instant(changed_since, now)
    room, blocks = max(cap, 1), []
    for name in names:
        live, dead = live_since(store, name, since, room), []
        if len(live) < room:
            dead = dead_since(store, name, since, room - len(live))
        room -= len(live) + len(dead)
        blocks.append(block(name, live, dead))
    return f'[{{"QueryResponse":[{",".join(blocks)}]}}]'


def entity_names(entities: str | None) -> list[str]:
    """The entities asked for. Fault 10000 inside HTTP 200, as recorded, for none or a wrong one."""
    if not (entities or "").strip():
        raise system_failure("java.lang.IllegalArgumentException: entities is required", http=200)
    result = []
    for given in str(entities).split(","):
        name = name_of(given.strip())
        if name is None or name in WITHOUT_CDC:
            text = f"java.lang.IllegalArgumentException: Invalid entity supplied : entity={given.strip()}"
            raise system_failure(text, http=200)
        result.append(name)
    return result


def instant(changed_since: str | None, now: datetime) -> int:
    """Whole seconds. 2020 when missing, 2070 when malformed, 500 beyond the look-back."""
    if not changed_since:
        raise missing("changedSince")
    try:
        # A "+" that was not encoded in the address arrives as a space.
        moment = parse_instant(changed_since.replace(" ", "+") if "T" in changed_since else changed_since)
    except ValueError as error:
        raise Fault(2070, f"changedSince is no valid date-time: {changed_since}", element="changedSince") from error
    if now - moment > LOOK_BACK:
        raise unsupported(f"cdc with changedSince date {changed_since} which is older than fixed days")
    return int(moment.timestamp())


def live_since(store: Store, entity: str, since: int, room: int) -> list[str]:
    """Stored objects, oldest change first."""
    rows = store.conn.execute(
        "SELECT body FROM objects WHERE c = ? AND entity = ? AND updated >= ? ORDER BY updated, num LIMIT ?",
        (store.company, entity, since, room),
    )
    return [body for (body,) in rows]


def dead_since(store: Store, entity: str, since: int, room: int) -> list[str]:
    """Tombstones, oldest first."""
    rows = store.conn.execute(
        "SELECT id, stamp FROM tombstones WHERE c = ? AND entity = ? AND updated >= ? ORDER BY updated LIMIT ?",
        (store.company, entity, since, room),
    )
    stub = {"domain": "QBO", "status": "Deleted"}
    return [dumps({**stub, "Id": identifier, "MetaData": {"LastUpdatedTime": stamp}}) for identifier, stamp in rows]


def block(entity: str, live: list[str], dead: list[str]) -> str:
    """One entity's element; a block of tombstones alone has no startPosition."""
    count = len(live) + len(dead)
    if count == 0:
        return "{}"
    start = '"startPosition":1,' if live else ""
    return f'{{"{entity}":[{",".join([*live, *dead])}],{start}"maxResults":{count},"totalCount":{count}}}'
