"""A Statement to SQL, and SQL to an answer.

Invariant: rows leave as the JSON text that was stored; nothing is parsed or rebuilt on the way out.

    answer(store, text, resolve, now) -> JSON text of the QueryResponse's content: {"Customer":[…],"startPosition":1,…}
    resolve(name) -> (entity, property names) or None when no such entity exists
"""

import re
from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal, InvalidOperation

from qb_pipeline.sandbox.quickbooks.query.fields import COUNTING, LISTED, SINGLE, Column, columns_of
from qb_pipeline.sandbox.quickbooks.query.parser import Predicate, Statement, Value, invalid, parse
from qb_pipeline.sandbox.quickbooks.rows import SCALE
from qb_pipeline.sandbox.quickbooks.store import Store
from qb_pipeline.sandbox.quickbooks.times import parse_instant, today

Resolve = Callable[[str], tuple[str, Collection[str]] | None]
Sql = tuple[str, list[object]]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def answer(store: Store, text: str, resolve: Resolve, now: datetime) -> str:
    """Run one query. Fault 4000 or 4001."""
    statement = parse(text)
    found = resolve(statement.entity)
    if found is None:
        raise invalid(f"invalid context declaration: {statement.entity}")
    entity, properties = found
    where, values = condition(store, entity, properties, statement, now)
    if statement.count:
        sql = f"SELECT count(*) FROM objects WHERE {where}"  # noqa: S608 - see `fetch`
        (total,) = store.conn.execute(sql, values).fetchone()
        return f'{{"totalCount":{total}}}'
    rows = page(store, entity, statement, where, values, ordering(entity, properties, statement))
    return rendered(entity, rows, statement.start)


def rendered(entity: str, rows: list[str], start: int) -> str:
    """The content of a QueryResponse; empty when there are no rows."""
    if not rows:
        return "{}"
    total = f',"totalCount":{len(rows)}' if entity in COUNTING else ""
    return f'{{"{entity}":[{",".join(rows)}],"startPosition":{start},"maxResults":{len(rows)}{total}}}'


def page(store: Store, entity: str, statement: Statement, where: str, values: list[object], order: str) -> list[str]:
    """The rows of one page. The pseudo tax codes come on top of the page that starts at 1."""
    if entity in SINGLE:
        return fetch(store, where, values, "num", 1, 0)
    if entity != "TaxCode":
        return fetch(store, where, values, order, statement.limit, statement.start - 1)
    own = fetch(store, f"{where} AND num IS NOT NULL", values, order, statement.limit, statement.start - 1)
    pseudo = fetch(store, f"{where} AND num IS NULL", values, "id DESC", 10, 0) if statement.start == 1 else []
    return [*pseudo, *own]


def fetch(store: Store, where: str, values: list[object], order: str, limit: int, offset: int) -> list[str]:
    """Stored JSON texts."""
    # Only names from fields.py and question marks stand in `where` and `order`; values are bound.
    # The page is chosen by row numbers first, so that sorting and skipping never touch a body.
    chosen = f"SELECT rowid AS row FROM objects WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    sql = f"SELECT body FROM ({chosen}) AS chosen CROSS JOIN objects ON objects.rowid = chosen.row"  # noqa: S608
    return [body for (body,) in store.conn.execute(sql, [*values, limit, offset])]


def condition(store: Store, entity: str, properties: Collection[str], statement: Statement, now: datetime) -> Sql:
    """The WHERE clause with its values."""
    parts = ["c = ?", "entity = ?"]
    values: list[object] = [store.company, entity]
    columns = columns_of(entity)
    for predicate in statement.predicates:
        column = lookup(columns, properties, entity, predicate.field)
        sql, more = compare(predicate, column, now)
        if column.among:
            sql = f"EXISTS (SELECT 1 FROM json_each(body, '{column.among}') AS part WHERE {sql})"  # noqa: S608 - constants
        parts.append(sql)
        values += more
    if entity in LISTED and not any(predicate.field.lower() == "active" for predicate in statement.predicates):
        parts.append("active = 1")
    return " AND ".join(parts), values


def lookup(columns: dict[str, Column], properties: Collection[str], entity: str, name: str) -> Column:
    """The column of a property. 4001 when it is not queryable or does not exist."""
    column = columns.get(name.lower())
    if column is not None:
        return column
    if name.split(".", maxsplit=1)[0].lower() in {known.lower() for known in properties}:
        raise invalid(f"property '{name}' is not queryable")
    raise invalid(f"Property {name} not found for Entity {entity}")


def compare(predicate: Predicate, column: Column, now: datetime) -> Sql:
    """One predicate as SQL."""
    operator = predicate.operator
    if column.kind == "id" and operator not in ("=", "in"):
        raise invalid(f"property 'Id' supports only = and IN, not {operator}")
    if operator == "like":
        if column.kind != "text":
            raise invalid(f"operator LIKE is not supported for property '{predicate.field}'")
        return f"{column.sql} LIKE ? ESCAPE '\\'", [like_pattern(predicate.values[0].text)]
    converted = [convert(value, column, predicate.field, now) for value in predicate.values]
    if operator == "in":
        return f"{column.sql} IN ({', '.join('?' * len(converted))})", converted
    return f"{column.sql} {operator} ?", converted


def like_pattern(text: str) -> str:
    """QBO knows only %; the underscore stands for itself."""
    return text.replace("\\", "\\\\").replace("_", "\\_")


def convert(value: Value, column: Column, name: str, now: datetime) -> object:
    """A literal as the column stores it. 4001 when it does not fit."""
    text = value.text
    if not value.quoted and text.lower() == "current_date":
        text = today(now).isoformat()
    try:
        return converted(text, column.kind)
    except (ValueError, InvalidOperation) as error:
        raise invalid(f"value '{text}' is not valid for property '{name}'") from error


def converted(text: str, kind: str) -> object:
    """The SQL value. ValueError or InvalidOperation when the text is of another kind."""
    match kind:
        case "amount":
            return int(Decimal(text) * SCALE)
        case "instant":
            return int(parse_instant(text).timestamp())
        case "flag":
            return flag_of(text)
        case "day":
            return day_of(text)
        case _:
            return text


def flag_of(text: str) -> int:
    """1 or 0; ValueError for anything but true and false."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return int(text.lower() == "true")


def day_of(text: str) -> str:
    """The calendar day at the front of a date or date-time; ValueError when there is none."""
    if not DAY.match(text):
        raise ValueError(text)
    return text[:10]


def ordering(entity: str, properties: Collection[str], statement: Statement) -> str:
    """ORDER BY as asked, else as recorded: lists by name, transactions newest change first."""
    columns = columns_of(entity)
    # A unary plus keeps SQLite from walking the whole table in sort order where a filter has an index.
    plus = "+" if any(columns[predicate.field.lower()].indexed for predicate in statement.predicates) else ""
    if not statement.order:
        return f"{plus}name, num" if entity in LISTED else f"{plus}updated DESC, {plus}num DESC"
    keys = []
    for name, descending in statement.order:
        column = lookup(columns, properties, entity, name)
        if column.among:
            raise invalid(f"property '{name}' is not sortable")
        sql = "num" if column.kind == "id" else column.sql
        keys.append(f"{plus}{sql} {'DESC' if descending else 'ASC'}")
    return ", ".join([*keys, "num"])
