"""Loading and checking the field language of a system file.

Invariant: what this module returns has been checked against the canonical specs; every fault is `Misconfigured` with
the file and line where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qb_pipeline.contractor.conditions import Condition, load_condition, load_reasons, take_path
from qb_pipeline.contractor.located import Located
from qb_pipeline.contractor.mapping import Choice, DerivedWord, EntityMap, LinesMap, Remainder, ValueMap
from qb_pipeline.contractor.paths import is_path
from qb_pipeline.contractor.transforms import DEFAULT_FOR, TRANSFORMS, Transform
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Field, Kind

ADDRESS_PARTS = ("line1", "line2", "city", "state", "postal_code", "country")
_DIRECTIONS = ("<>", "<", ">")
Specs = Mapping[str, Field]


def load_entity_map(
    name: str, node: Located, *, id_at: str, deleted: Condition | None, json_numbers: bool
) -> EntityMap:
    """The map under `entities.<name>`; its own `deleted` rule goes before the file's. Takes only its own keys."""
    entity = ENTITIES.get(name)
    if entity is None:
        raise node.wrong(f"there is no entity {name!r}", f"Use one of {', '.join(ENTITIES)}.")
    fields = node.child("fields")
    specs = {field.name: field for field in entity.fields}
    values = (*_load_values(fields, specs), *_load_addresses(node.optional("addresses"), entity))
    lines = tuple(_load_lines(child, spec) for child, spec in _under(fields, specs) if _is_lines(child))
    remainders = tuple(_load_remainder(child, spec, specs) for child, spec in _under(fields, specs) if _is_rest(child))
    result = EntityMap(
        entity=entity,
        values=values,
        lines=lines,
        remainders=remainders,
        on_create=_load_constants(node, "on_create"),
        on_update=_load_constants(node, "on_update"),
        deleted=_condition_or(node, "deleted", deleted),
        voided=_condition_or(node, "voided", None),
        skip=load_reasons(node, "skip"),
        frozen=load_reasons(node, "frozen"),
        id_at=id_at,
        json_numbers=json_numbers,
    )
    _check_complete(node, result)
    return result


def _check_complete(node: Located, result: EntityMap) -> None:
    needed = {f.name for f in result.entity.fields if f.required}
    for missing in sorted(needed - result.readable()):
        raise node.wrong(f"the required field `{missing}` is not mapped", f"Add `{missing}` below `fields`.")
    names = [m.spec.name for m in result.stored] + [r.spec.name for r in result.remainders]
    for twice in sorted({n for n in names if names.count(n) > 1}):
        raise node.wrong(f"the field `{twice}` is mapped twice", "Keep one of the two.")


def _under(fields: Located, specs: Specs) -> list[tuple[Located, Field]]:
    """Each mapping with the canonical field it is for."""
    found = []
    for name, child in fields.items():
        if name not in specs:
            raise child.wrong("there is no such canonical field", f"Use one of {', '.join(specs)}.")
        if not child.is_mapping():
            raise child.wrong("a mapping is wanted here", "Write it as `{at: path}`.")
        found.append((child, specs[name]))
    return found


def _is_lines(node: Located) -> bool:
    return "each" in node


def _is_rest(node: Located) -> bool:
    return "remainder" in node


def _is_word(node: Located) -> bool:
    return "choose" in node


def _load_values(fields: Located, specs: Specs) -> tuple[ValueMap, ...]:
    return tuple(
        _load_value(child, spec)
        for child, spec in _under(fields, specs)
        if not (_is_lines(child) or _is_rest(child) or _is_word(child))
    )


def _load_value(node: Located, spec: Field) -> ValueMap:
    direction = node.choice("dir", _DIRECTIONS, "<>")
    transform = _load_transform(node, spec)
    _check_ref(node, spec)
    result = ValueMap(
        spec=spec,
        at=take_path(node),
        transform=transform,
        reads=direction != ">",
        writes=direction != "<",
        create_only=node.take_or("create_only", bool, default=False) or spec.create_only,
        enum=_load_enum(node),
        default=_load_default(node, transform),
        otherwise=None if node.optional("otherwise") is None else take_path(node, "otherwise"),
    )
    node.done()
    return result


def _load_transform(node: Located, spec: Field) -> Transform:
    if spec.kind not in DEFAULT_FOR:
        raise node.wrong(f"`{spec.name}` holds {spec.kind}", "Map it with `at` and `each`.")
    name = node.choice("as", tuple(TRANSFORMS), DEFAULT_FOR[spec.kind])
    if spec.kind not in TRANSFORMS[name].kinds:
        fitting = ", ".join(t.name for t in TRANSFORMS.values() if spec.kind in t.kinds)
        raise node.child("as").wrong(f"`{name}` does not fit a field of kind {spec.kind}", f"Use {fitting}.")
    return TRANSFORMS[name]


def _check_ref(node: Located, spec: Field) -> None:
    named = node.optional("ref")
    if named is None and spec.refers_to is None:
        return
    if named is None:
        raise node.wrong("`ref` is missing", f"Add `ref: {spec.refers_to}`.")
    if named.scalar(str) != spec.refers_to:
        fix = f"Write `ref: {spec.refers_to}`." if spec.refers_to else "Remove `ref`."
        raise named.wrong(f"`{spec.name}` does not refer to {named.plain()!r}", fix)


def _load_enum(node: Located) -> dict[str, str] | None:
    enum = node.optional("enum")
    return None if enum is None else {word: child.scalar(str) for word, child in enum.items()}


def _load_default(node: Located, transform: Transform) -> Any:
    default = node.optional("default")
    if default is None:
        return None
    try:
        return transform.read(default.plain())
    except ValueError as error:
        raise default.wrong(f"{default.plain()!r} is not {error}", f"Write {error}.") from error


def _load_addresses(node: Located | None, entity: Entity) -> tuple[ValueMap, ...]:
    """`addresses: {billing: {at: billing_address, line1: street}}`: parts not named have their own name."""
    if node is None:
        return ()
    groups = {field.group for field in entity.fields if field.group}
    found: list[ValueMap] = []
    for group, child in node.items():
        if group not in groups:
            raise child.wrong("there is no such address", f"Use one of {', '.join(sorted(groups))}.")
        at = take_path(child)
        for part in ADDRESS_PARTS:
            path = f"{at}.{child.take_or(part, str, part)}"
            found.append(ValueMap(spec=entity[f"{group}_{part}"], at=path, transform=TRANSFORMS["text"]))
        child.done()
    return tuple(found)


def _load_lines(node: Located, spec: Field) -> LinesMap:
    if spec.kind is not Kind.LINES:
        raise node.wrong(f"`{spec.name}` holds no lines", "Map it with `at` alone.")
    direction = node.choice("dir", _DIRECTIONS, "<>")
    each = node.child("each")
    specs = {field.name: field for field in spec.lines}
    words = tuple(_load_word(child, field, specs) for child, field in _under(each, specs) if _is_word(child))
    line_id = node.optional("line_id")
    result = LinesMap(
        spec=spec,
        at=take_path(node),
        values=_load_values(each, specs),
        words=words,
        line_id=None if line_id is None else take_path(node, "line_id"),
        reads=direction != ">",
        writes=direction != "<",
    )
    for missing in sorted({f.name for f in spec.lines if f.required} - {m.spec.name for m in result.values}):
        raise each.wrong(f"the required line field `{missing}` is not mapped", f"Add `{missing}` below `each`.")
    if result.line_id is None and spec.line_key == "id":
        raise node.wrong("`line_id` is missing", "Name the path of a line's own id, as in `line_id: id`.")
    node.done()
    return result


def _load_word(node: Located, spec: Field, specs: Specs) -> DerivedWord:
    choices = tuple(_load_choice(child, specs) for child in node.child("choose").elements())
    node.done()
    return DerivedWord(spec, choices)


def _load_choice(node: Located, specs: Specs) -> Choice:
    when = node.optional("when")
    choice = Choice(
        then=node.take("then", str),
        when=None if when is None else load_condition(when),
        clear=frozenset(node.texts("clear")),
    )
    for unknown in sorted(choice.clear - specs.keys()):
        raise node.child("clear").wrong(f"there is no line field {unknown!r}", f"Use {', '.join(specs)}.")
    node.done()
    return choice


def _load_remainder(node: Located, spec: Field, specs: Specs) -> Remainder:
    """`{remainder: {of: amount, less: allocations.amount}}`."""
    rule = node.child("remainder")
    of, less = rule.take("of", str), take_path(rule, "less")
    lines, _, amount = less.partition(".")
    if of not in specs or lines not in specs or amount not in {f.name for f in specs[lines].lines}:
        raise rule.wrong("`of` and `less` do not name canonical fields", "Write `of: field` and `less: lines.field`.")
    rule.done()
    node.done()
    return Remainder(spec, of, lines, amount)


def _load_constants(node: Located, key: str) -> dict[str, Any]:
    constants = node.optional(key)
    found: dict[str, Any] = {}
    for path, child in constants.items() if constants else ():
        if not is_path(path):
            raise child.wrong(f"{path!r} is not a path", "Write names joined by dots.")
        found[path] = child.plain()
    return found


def _condition_or(node: Located, key: str, default: Condition | None) -> Condition | None:
    rule = node.optional(key)
    return default if rule is None else load_condition(rule)
