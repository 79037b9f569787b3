"""Loading a system file.

Invariant: a file that loads describes a usable platform; anything else is `Misconfigured` with file and line.
"""

from __future__ import annotations

from pathlib import Path

from qb_pipeline.contractor.conditions import Condition, load_condition, take_path
from qb_pipeline.contractor.located import Located, read_located
from qb_pipeline.contractor.mapping_loader import load_entity_map
from qb_pipeline.contractor.protocol import ChangedSince, Deletes, Guard, Remove
from qb_pipeline.contractor.system import (
    Auth,
    Connection,
    EntityAccess,
    Listing,
    Operation,
    Paging,
    Refusals,
    Shape,
    System,
    Versioning,
    WebhookShape,
)

TIME_UNITS = ("iso", "unix_s", "unix_ms")
OPERATIONS = ("list", "get", "create", "update", "delete", "void")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CAN = ("create", "update", "delete", "void", "deactivate")
_DEFAULT_OPERATIONS = {"list": Operation("GET", "{collection}"), "get": Operation("GET", "{collection}/{id}")}


def load_file(path: Path) -> System:
    """The platform a file describes; raises `Misconfigured`."""
    root = read_located(path)
    shape, deleted = _load_record(root.child("record"))
    numbers = root.choice("money_as", ("string", "number"), "string") == "number"
    operations = _load_operations(root.optional("operations"))
    name = root.take("system", str)
    system = System(
        name=name,
        title=root.take_or("title", str, name),
        connection=_load_connection(root.child("connection")),
        listing=_load_listing(root.child("list")),
        shape=shape,
        operations=operations,
        versioning=_load_versioning(root.child("versioning")),
        idempotency_header=root.take_or("idempotency_header", str, "") or None,
        refusals=_load_refusals(root.child("errors")),
        webhook=_load_webhook(root.optional("webhook")),
        entities={
            entity: _load_access(entity, node, shape.id, deleted, operations, json_numbers=numbers)
            for entity, node in root.child("entities").items()
        },
    )
    _check_webhook(root, system)
    root.done()
    return system


def _load_connection(node: Located) -> Connection:
    result = Connection(
        auth=_load_auth(node.child("auth")),
        headers=_load_texts(node.optional("headers")),
        connect_timeout=_seconds(node, "connect_timeout", Connection.connect_timeout),
        read_timeout=_seconds(node, "read_timeout", Connection.read_timeout),
        attempts=node.take_or("attempts", int, Connection.attempts),
        longest_wait=_seconds(node, "longest_wait", Connection.longest_wait),
        requests_per_second=_seconds(node, "requests_per_second", 0.0) or None,
    )
    node.done()
    return result


def _seconds(node: Located, key: str, default: float) -> float:
    child = node.optional(key)
    if child is None:
        return default
    value = child.plain()
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise child.wrong(f"{value!r} is not a positive number", "Write a positive number.")
    return float(value)


def _load_auth(node: Located) -> Auth:
    kind = node.choice("kind", ("bearer", "header", "basic"))
    auth = Auth(
        kind, node.take_or("name", str, Auth.name), node.take_or("prefix", str, ""), node.take_or("user", str, "")
    )
    node.done()
    return auth


def _load_texts(node: Located | None) -> dict[str, str]:
    return {key: child.scalar(str) for key, child in node.items()} if node else {}


def _load_listing(node: Located) -> Listing:
    since = node.optional("since")
    listing = Listing(
        rows=None if node.optional("rows") is None else take_path(node, "rows"),
        paging=_load_paging(node.optional("paging")),
        since_param=since.take("param", str) if since else None,
        since_unit=since.choice("unit", TIME_UNITS, "iso") if since else "iso",
        params=_load_texts(node.optional("params")),
        changed_since=ChangedSince.SERVER if since else ChangedSince.NONE,
        deletes=Deletes(node.choice("deletes", [d.value for d in Deletes], Deletes.SWEEP.value)),
    )
    if since:
        since.done()
    node.done()
    return listing


def _load_paging(node: Located | None) -> Paging:
    if node is None:
        return Paging(stable=True)
    kind = node.choice("kind", ("cursor", "page", "offset", "none"))
    paging = Paging(
        kind=kind,
        param="" if kind == "none" else node.take("param", str),
        next=take_path(node, "next") if kind == "cursor" else "",
        first=node.take_or("first", int, 1),
        size_param=node.take_or("size_param", str, "") or None,
        size=node.take_or("size", int, 100),
        stable=node.take_or("stable", bool, kind == "none"),
    )
    node.done()
    return paging


def _load_record(node: Located) -> tuple[Shape, Condition | None]:
    shape = Shape(
        id=take_path(node, "id"),
        version=take_path(node, "version"),
        updated_at=take_path(node, "updated_at"),
        time_unit=node.choice("time_unit", TIME_UNITS, "iso"),
        at=None if node.optional("at") is None else take_path(node, "at"),
    )
    deleted = node.optional("deleted")
    condition = None if deleted is None else load_condition(deleted)
    node.done()
    return shape, condition


def _load_operations(node: Located | None) -> dict[str, Operation]:
    found = dict(_DEFAULT_OPERATIONS)
    for name, child in node.items() if node else ():
        if name not in OPERATIONS:
            raise child.wrong("there is no such operation", f"Use one of {', '.join(OPERATIONS)}.")
        found[name] = Operation(child.choice("method", _METHODS), child.take("path", str))
        child.done()
    return found


def _load_versioning(node: Located) -> Versioning:
    kind = node.choice("kind", ("header", "body", "emulated", "none"))
    guard = {"emulated": Guard.EMULATED, "none": Guard.NONE}.get(kind, Guard.NATIVE)
    versioning = Versioning(
        guard=guard,
        name=node.take("name", str) if guard is Guard.NATIVE else "",
        in_body=kind == "body",
        format=node.take_or("format", str, "{version}"),
    )
    node.done()
    return versioning


def _load_refusals(node: Located) -> Refusals:
    refusals = Refusals(
        code=take_path(node, "code"),
        message=take_path(node, "message"),
        field=None if node.optional("field") is None else take_path(node, "field"),
        duplicate=frozenset(node.texts("duplicate_codes")),
        moved=frozenset(node.texts("moved_codes")),
        retry=frozenset(node.texts("retry_codes")),
    )
    node.done()
    return refusals


def _load_webhook(node: Located | None) -> WebhookShape | None:
    if node is None:
        return None
    shape = WebhookShape(
        signature_header=node.take("signature_header", str),
        prefix=node.take_or("prefix", str, ""),
        encoding=node.choice("encoding", ("hex", "base64"), "hex"),
        algorithm=node.choice("algorithm", ("sha256", "sha512"), "sha256"),
        timestamp_header=node.take_or("timestamp_header", str, "") or None,
        id=take_path(node, "id"),
        type=take_path(node, "type"),
        record=take_path(node, "record"),
        at=take_path(node, "at"),
        time_unit=node.choice("time_unit", TIME_UNITS, "iso"),
        entities=_load_texts(node.child("entities")),
    )
    node.done()
    return shape


def _load_access(
    entity: str,
    node: Located,
    id_at: str,
    deleted: Condition | None,
    operations: dict[str, Operation],
    *,
    json_numbers: bool,
) -> EntityAccess:
    can = frozenset(node.texts("can"))
    for word in sorted(can - set(_CAN)):
        raise node.child("can").wrong(f"{word!r} is unknown", f"Use {', '.join(_CAN)}.")
    for word in sorted(can - {"deactivate"} - operations.keys()):
        raise node.child("can").wrong(f"`operations` does not say how to {word}", f"Add `{word}` below `operations`.")
    access = EntityAccess(
        collection=node.take("collection", str),
        map=load_entity_map(entity, node, id_at=id_at, deleted=deleted, json_numbers=json_numbers),
        can=can,
        removals=frozenset(Remove(word) for word in can - {"create", "update"}),
        find=_load_texts(node.optional("find")),
    )
    for field in sorted(access.find.keys() - access.map.readable()):
        raise node.child("find").wrong(f"`{field}` is not a field it shows", "Name a mapped canonical field.")
    node.done()
    return access


def _check_webhook(root: Located, system: System) -> None:
    for word, entity in (system.webhook.entities if system.webhook else {}).items():
        if entity not in system.entities:
            raise root.child("webhook").wrong(f"`{word}` stands for unmapped {entity!r}", "Name a mapped entity.")
