"""The staging tables, derived from the entity specs: one per entity in `staging_contractor` and `staging_quickbooks`.

Invariant: every canonical field has a typed column on both sides; a field added to a spec adds its column here without
anybody writing a migration, because staging is a cache of observations that can be read again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    inspect,
    literal,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import CreateColumn, CreateSchema
from sqlalchemy.types import TypeEngine

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Field, Kind, Side

metadata = MetaData()

_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: Text(),
    Kind.EMAIL: Text(),
    Kind.PHONE: Text(),
    Kind.REF: Text(),
    Kind.MONEY: Numeric(18, 2),
    Kind.NUMBER: Numeric(24, 6),
    Kind.INTEGER: Integer(),
    Kind.DATE: Date(),
    Kind.BOOLEAN: Boolean(),
    Kind.LINES: JSONB(),
}


def schema_of(side: Side) -> str:
    return f"staging_{side.value}"


def _fixed_columns() -> list[Column[Any]]:
    """The columns every staging table has. `absent` names the canonical fields this side's record did not speak of,
    which is another thing than a field it left empty."""
    return [
        Column("company", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("version", Text, nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
        Column("state", Text, nullable=False),
        Column("skip", Text),
        Column("frozen", Text),
        Column("content_hash", Text, nullable=False),
        Column("raw", JSONB, nullable=False),
        Column("absent", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
        Column("seen_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("missing_since", DateTime(timezone=True)),
    ]


FIXED = frozenset(column.name for column in _fixed_columns())


def column_of(spec: Field) -> str:
    """A field's column: its name, with an underscore behind where a fixed column has that name."""
    return f"{spec.name}_" if spec.name in FIXED else spec.name


def columns_of(entity: Entity) -> list[Column[Any]]:
    """The typed columns of an entity's canonical fields."""
    return [Column(column_of(f), _TYPES[f.kind], comment=f.label) for f in entity.fields]


@cache
def table(side: Side, entity: str) -> Table:
    """The staging table of an entity on one side."""
    return Table(
        entity,
        metadata,
        *_fixed_columns(),
        *columns_of(ENTITIES[entity]),
        # Covers the comparison with the links, so that finding nothing to do reads no row's payload.
        Index(f"ix_{side.value}_{entity}_hash", "company", "id", postgresql_include=["content_hash", "state", "skip"]),
        schema=schema_of(side),
    )


def ensure_staging(engine: Engine) -> None:
    """Create missing staging schemas and tables (`staging_<side>.<entity>`), add missing columns, and build columns
    anew whose field has another kind now. Rows count as not speaking of such a field until they are read again."""
    tables = [table(side, entity) for side in Side for entity in ENTITIES]
    with engine.begin() as conn:
        # Two processes may start at once; CREATE … IF NOT EXISTS alone does not serialise them.
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('staging', 0))"))
        for side in Side:
            conn.execute(CreateSchema(schema_of(side), if_not_exists=True))
        metadata.create_all(conn, tables=tables)
        for side in Side:
            _renew_columns(conn, side)


def _renew_columns(conn: Connection, side: Side) -> None:
    existing = inspect(conn).get_multi_columns(schema=schema_of(side))
    for entity in ENTITIES:
        wanted = table(side, entity)
        types = {c["name"]: _ddl(c["type"], conn) for c in existing[(wanted.schema, wanted.name)]}
        renewed = [c for c in wanted.columns if types.get(c.name) != _ddl(c.type, conn)]
        for column in renewed:
            _renew(conn, wanted, column)
        _forget_fields(conn, wanted, [f for f in ENTITIES[entity].fields if column_of(f) in {c.name for c in renewed}])


def _ddl(type_: TypeEngine[Any], conn: Connection) -> str:
    return type_.compile(conn.dialect)


def _renew(conn: Connection, target: Table, column: Column[Any]) -> None:
    name = f'{target.schema}."{target.name}"'
    conn.execute(text(f'ALTER TABLE {name} DROP COLUMN IF EXISTS "{column.name}"'))
    conn.execute(text(f"ALTER TABLE {name} ADD COLUMN {CreateColumn(column).compile(conn)}"))


def _forget_fields(conn: Connection, target: Table, fields: list[Field]) -> None:
    """A new column is empty because nobody looked, not because the record has no value; left as empty, it would be
    taken for a deletion. The hash goes too, so that reading an unchanged record again fills the column."""
    if fields:
        names = literal([f.name for f in fields], ARRAY(Text))
        conn.execute(update(target).values(absent=target.c.absent + names, content_hash=""))
