"""Migrations and staging tables on a real server."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import staging, tables
from qb_pipeline.store.migrate import migrate, prepare
from qb_pipeline.store.staging_tables import ensure_staging, schema_of
from qb_pipeline_tests.unit.store.builders import customer


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    prepare(engine)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM qb.alembic_version")) == 1


def test_two_processes_migrating_an_empty_database_do_not_race(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA qb CASCADE"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(engine), range(2)))
    assert set(inspect(engine).get_table_names("qb")) == {t.name for t in tables.metadata.sorted_tables} | {
        "alembic_version"
    }


def test_the_migrations_build_exactly_the_declared_tables(engine: Engine) -> None:
    def ours(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
        return kind != "table" or (getattr(obj, "schema", None) == "qb" and name != "alembic_version")

    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"include_schemas": True, "include_object": ours})
        assert compare_metadata(context, tables.metadata) == []


def test_every_entity_has_a_staging_table_on_both_sides(engine: Engine) -> None:
    for side in Side:
        assert set(inspect(engine).get_table_names(schema_of(side))) == set(ENTITIES)


def test_a_missing_staging_column_is_added(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE staging_quickbooks.customer DROP COLUMN email, DROP COLUMN seen_at"))
    ensure_staging(engine)
    columns = {c["name"] for c in inspect(engine).get_columns("customer", "staging_quickbooks")}
    assert {"email", "seen_at"} <= columns


@pytest.mark.parametrize("change", ["DROP COLUMN email", "ALTER COLUMN email TYPE bytea USING NULL"])
def test_a_new_columns_emptiness_is_not_taken_for_a_deleted_value(engine: Engine, change: str) -> None:
    record = customer("7", email="a@b.example")
    with engine.begin() as conn:
        staging.merge(conn, "acme", Side.QUICKBOOKS, "customer", [record])
        conn.execute(text(f"ALTER TABLE staging_quickbooks.customer {change}"))
    ensure_staging(engine)
    with engine.begin() as conn:
        before = staging.fetch(conn, "acme", Side.QUICKBOOKS, "customer", ["7"])["7"].record
        staging.merge(conn, "acme", Side.QUICKBOOKS, "customer", [record])
        after = staging.fetch(conn, "acme", Side.QUICKBOOKS, "customer", ["7"])["7"].record
    assert before.values == {"name": "Hazel Roofing"}
    assert after == record


def test_ensuring_staging_again_forgets_nothing(engine: Engine) -> None:
    record = customer("7", email="a@b.example")
    with engine.begin() as conn:
        staging.merge(conn, "acme", Side.QUICKBOOKS, "customer", [record])
    ensure_staging(engine)
    with engine.connect() as conn:
        staged = staging.fetch(conn, "acme", Side.QUICKBOOKS, "customer", ["7"])["7"]
    assert (staged.record, staged.content_hash) == (record, staging.record_hash(record))


def at_revision(engine: Engine, revision: str) -> None:
    """The tables as they were at a revision, without a row."""
    config = Config()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA qb CASCADE"))
        conn.execute(text("CREATE SCHEMA qb"))
        config.attributes["connection"] = conn
        command.upgrade(config, revision)


def test_what_an_exception_blocks_at_the_upgrade_counts_as_told_unless_it_is_resolved(engine: Engine) -> None:
    at_revision(engine, "0002")
    known = [
        ("1", "open", ["Invoice 7", "Invoice 8"]), ("2", "retrying", ["Job Barn"]), ("3", "ignored", ["Payment 9"]),
        ("4", "open", []), ("5", "resolved", ["Invoice 7"]),
    ]  # fmt: skip
    rows = [{"record": record, "state": state, "blocks": json.dumps(blocks)} for record, state, blocks in known]
    insert = (
        "INSERT INTO qb.exception (company, entity, side, record_id, code, title, cause, fix, who, retry_safe, state,"
        " blocks) VALUES ('acme', 'customer', 'quickbooks', :record, 'c', 't', 'x', 'y', 'office', true, :state,"
        " CAST(:blocks AS jsonb))"
    )
    with engine.begin() as conn:
        conn.execute(text(insert), rows)
    migrate(engine)
    with engine.connect() as conn:
        found = conn.execute(text("SELECT record_id, state, blocks, told_blocks FROM qb.exception")).all()
    assert {(r.record_id, r.state, tuple(r.blocks)) for r in found} == {(r, s, tuple(b)) for r, s, b in known}
    assert {r.record_id: r.told_blocks for r in found} == {
        "1": ["Invoice 7", "Invoice 8"], "2": ["Job Barn"], "3": ["Payment 9"], "4": [], "5": [],
    }  # fmt: skip


def test_every_revision_is_shipped_with_the_package() -> None:
    folder = Path(tables.__file__).parent / "migrations" / "versions"
    assert [p.name for p in sorted(folder.glob("r*.py"))] == [
        "r0001_first_tables.py", "r0002_events_and_gaps.py", "r0003_told_blocks.py",
    ]  # fmt: skip
