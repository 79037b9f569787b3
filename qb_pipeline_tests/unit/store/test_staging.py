"""What merging observations into staging does and does not change."""

import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, text

from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.store import staging
from qb_pipeline.store.staging import MergeCount
from qb_pipeline_tests.unit.store.builders import NOON, customer

QBO = Side.QUICKBOOKS


def merge(engine: Engine, *records: Record, company: str = "acme") -> MergeCount:
    with engine.begin() as conn:
        return staging.merge(conn, company, records[0].side, records[0].entity, records)


def fetch(engine: Engine, record_id: str, company: str = "acme", entity: str = "customer") -> staging.Staged:
    with engine.connect() as conn:
        return staging.fetch(conn, company, QBO, entity, [record_id])[record_id]


def test_a_new_record_is_inserted_and_fetched_as_it_was(engine: Engine) -> None:
    record = customer("7", email="A@b.example", taxable=False, notes="a\nb", skip=None, frozen="deposited")
    assert merge(engine, record) == MergeCount(inserted=1)
    staged = fetch(engine, "7")
    assert staged.record == record
    assert staged.content_hash == staging.record_hash(record)


def test_lines_and_numbers_survive_staging_in_canonical_form(engine: Engine) -> None:
    line = {"id": "1", "kind": "item", "item": "4", "quantity": Decimal("2.5"), "amount": Decimal("10.10")}
    invoice = Record(
        entity="invoice", side=QBO, id="9", version="3", updated_at=NOON, raw={"TotalAmt": Decimal("10.10")},
        values={"number": "1001", "date": date(2026, 3, 2), "lines": (line,), "total": Decimal("10.10")},
    )  # fmt: skip
    percent = Record(
        entity="tax_code", side=QBO, id="2", version="0", updated_at=NOON, raw={},
        values={"name": "CA", "percent": Decimal("8.25"), "active": True},
    )  # fmt: skip
    merge(engine, invoice)
    merge(engine, percent)
    found = fetch(engine, "9", entity="invoice").record
    assert found == invoice
    assert isinstance(found.raw["TotalAmt"], Decimal)
    assert str(fetch(engine, "2", entity="tax_code").record.values["percent"]) == "8.25"


def test_a_field_the_side_does_not_speak_of_stays_apart_from_an_empty_one(engine: Engine) -> None:
    merge(engine, customer("7", email=None))
    assert fetch(engine, "7").record.values == {"name": "Hazel Roofing", "email": None}


def test_the_same_observation_again_is_unchanged_and_not_written(engine: Engine) -> None:
    merge(engine, customer("7"))
    before = fetch(engine, "7").seen_at
    assert merge(engine, customer("7")) == MergeCount(unchanged=1)
    assert fetch(engine, "7").seen_at == before


def test_a_newer_observation_overwrites(engine: Engine) -> None:
    merge(engine, customer("7"))
    assert merge(engine, customer("7", "Hazel & Sons", version="1", minutes=1)) == MergeCount(updated=1)
    assert fetch(engine, "7").record.values["name"] == "Hazel & Sons"


def test_an_older_observation_never_overwrites(engine: Engine) -> None:
    merge(engine, customer("7", "new", version="2", minutes=5))
    assert merge(engine, customer("7", "old", version="1", minutes=4)) == MergeCount(unchanged=1)
    assert fetch(engine, "7").record.values["name"] == "new"


def test_within_the_same_second_the_higher_version_wins(engine: Engine) -> None:
    merge(engine, customer("7", "tenth", version="10"))
    assert merge(engine, customer("7", "ninth", version="9")).updated == 0
    assert merge(engine, customer("7", "eleventh", version="11")).updated == 1
    assert fetch(engine, "7").record.values["name"] == "eleventh"


def test_duplicates_in_one_batch_resolve_to_the_newest(engine: Engine) -> None:
    batch = (customer("7", "b", version="2", minutes=2), customer("7", "c", version="3", minutes=3), customer("7", "a"))
    assert merge(engine, *batch) == MergeCount(inserted=1, unchanged=2)
    assert fetch(engine, "7").record.values["name"] == "c"


def test_a_change_of_skip_or_frozen_alone_is_stored(engine: Engine) -> None:
    merge(engine, customer("7", skip="a draft"))
    assert merge(engine, customer("7", frozen="deposited")) == MergeCount(updated=1)
    found = fetch(engine, "7").record
    assert (found.skip, found.frozen) == (None, "deposited")


def test_a_tombstone_keeps_the_last_values_for_people(engine: Engine) -> None:
    merge(engine, customer("7", email="a@b.example", raw={"Id": "7", "Notes": "n"}))
    grave = customer("7", version="1", minutes=1, state=State.DELETED, raw={"Id": "7", "status": "Deleted"})
    assert merge(engine, grave) == MergeCount(updated=1)
    staged = fetch(engine, "7")
    assert staged.record.state is State.DELETED
    assert staged.record.values == {"name": "Hazel Roofing", "email": "a@b.example"}
    assert staged.record.raw == {"Id": "7", "Notes": "n", "status": "Deleted"}
    assert staged.content_hash == staging.record_hash(grave)


def test_marking_deleted_gives_the_hash_of_a_tombstone_and_counts_once(engine: Engine) -> None:
    merge(engine, customer("7"), customer("8"))
    with engine.begin() as conn:
        at = NOON + timedelta(minutes=1)
        assert staging.mark_deleted(conn, "acme", QBO, "customer", ["7", "nobody"], at) == 1
        assert staging.mark_deleted(conn, "acme", QBO, "customer", ["7"], at) == 0
    assert fetch(engine, "7").content_hash == staging.record_hash(customer("7", state=State.DELETED))
    assert merge(engine, customer("7", "an older read")) == MergeCount(unchanged=1)
    assert fetch(engine, "8").record.state is State.LIVE


def test_a_deleted_row_keeps_its_time_and_rises_only_by_a_later_one_or_a_read_of_its_id(engine: Engine) -> None:
    merge(engine, customer("7"), customer("8"))
    with engine.begin() as conn:
        staging.mark_deleted(conn, "acme", QBO, "customer", ["7", "8"], NOON + timedelta(days=1))
    assert fetch(engine, "7").record.updated_at == customer("7").updated_at
    assert merge(engine, customer("7"), customer("8", minutes=1)).doubted == ("7",)
    assert [fetch(engine, i).record.state for i in "78"] == [State.DELETED, State.LIVE]
    with engine.begin() as conn:
        assert staging.merge(conn, "acme", QBO, "customer", [customer("7")], current=True) == MergeCount(updated=1)
    assert fetch(engine, "7").record.state is State.LIVE


def test_an_older_observation_that_says_otherwise_is_doubted_and_wins_when_read_by_its_id(engine: Engine) -> None:
    merge(engine, customer("7", "new", version="2", minutes=5), customer("8"))
    assert merge(engine, customer("7", "old", version="1", minutes=4), customer("8")).doubted == ("7",)
    with engine.begin() as conn:
        older = customer("7", "old", version="1", minutes=4)
        assert staging.merge(conn, "acme", QBO, "customer", [older], current=True) == MergeCount(updated=1)
    assert fetch(engine, "7").record.values["name"] == "old"


def test_a_time_that_lay_in_the_future_orders_nothing(engine: Engine) -> None:
    with engine.begin() as conn:
        staging.merge(conn, "acme", QBO, "customer", [customer("7", "odd", minutes=90)], NOON)
        assert staging.merge(conn, "acme", QBO, "customer", [customer("7", "true", minutes=5)], NOON).updated == 1


def test_companies_never_see_each_others_rows(engine: Engine) -> None:
    merge(engine, customer("7", "ours"), company="acme")
    merge(engine, customer("7", "theirs"), company="zenith")
    with engine.begin() as conn:
        staging.mark_deleted(conn, "zenith", QBO, "customer", ["7"], NOON)
    assert fetch(engine, "7", "acme").record.values["name"] == "ours"
    assert fetch(engine, "7", "acme").record.state is State.LIVE


def test_what_a_full_list_lacks_is_missing_until_it_is_seen_again(engine: Engine) -> None:
    merge(engine, customer("7"), customer("8"), customer("9"))

    def missing(conn: Connection, present: list[str], minutes: int) -> list[str]:
        at = NOON + timedelta(minutes=minutes)
        return staging.note_missing(conn, "acme", QBO, "customer", present, at)

    with engine.begin() as conn:
        assert missing(conn, ["7", "9"], 1) == ["8"]
        assert missing(conn, ["9"], 2) == ["8", "7"]
        assert missing(conn, ["8", "9"], 3) == ["7"]
    assert fetch(engine, "7").missing_since == NOON + timedelta(minutes=2)
    assert merge(engine, customer("7")) == MergeCount(updated=1)
    assert fetch(engine, "7").missing_since is None


def test_text_that_postgres_cannot_hold_is_stored_without_its_nuls(engine: Engine) -> None:
    merge(engine, customer("7", "Ha\x00zel", raw={"a": "x\x00y", "b": "\\u0000", "c": "\\\x00"}))
    assert fetch(engine, "7").record.values["name"] == "Hazel"
    assert fetch(engine, "7").record.raw == {"a": "xy", "b": "\\u0000", "c": "\\"}


def test_an_amount_no_column_can_hold_names_the_record(engine: Engine) -> None:
    wrong = replace(customer("9"), entity="invoice", values={"number": "1042", "total": Decimal(10) ** 16})
    with pytest.raises(FixTheData) as refused:
        merge(engine, wrong)
    said = "Invoice 1042: its total in QuickBooks is 10000000000000000, which is too large."
    assert (refused.value.cause, refused.value.fix) == (said, "Correct the total of Invoice 1042 in QuickBooks.")


def test_a_failed_merge_leaves_nothing_behind(engine: Engine) -> None:
    wrong = replace(customer("9"), entity="invoice", values={"total": Decimal(10) ** 16})
    good = replace(wrong, id="8", values={"total": Decimal(1)})
    with pytest.raises(FixTheData):
        merge(engine, good, wrong)
    assert merge(engine, good) == MergeCount(inserted=1)


def test_two_merges_of_one_entity_fit_in_one_transaction(engine: Engine) -> None:
    with engine.begin() as conn:
        first = staging.merge(conn, "acme", QBO, "customer", [customer("1")])
        second = staging.merge(conn, "acme", QBO, "customer", [customer("2"), customer("1")])
    assert first + second == MergeCount(inserted=2, unchanged=1)


def test_nothing_to_merge_is_nothing_done(engine: Engine) -> None:
    with engine.begin() as conn:
        assert staging.merge(conn, "acme", QBO, "customer", []) == MergeCount()


def test_twenty_thousand_records_merge_in_seconds(engine: Engine) -> None:
    records = [customer(str(n), f"Customer {n}", email=f"c{n}@b.example", phone="555 0100") for n in range(20_000)]
    started = time.monotonic()
    assert merge(engine, *records) == MergeCount(inserted=20_000)
    assert merge(engine, *records) == MergeCount(unchanged=20_000)
    assert time.monotonic() - started < 20
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM staging_quickbooks.customer")) == 20_000
