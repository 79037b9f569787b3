"""What every connector must pass before a company is connected with it.

Invariant: the promises never twice, never lost and never silent rest on exactly these behaviours of a connector.

A test module subclasses `ConnectorConformance` and gives a fixture `bench` with the platform (real, or a faithful fake)
behind it. It needs pytest, so nothing but tests imports it.
"""

# ruff: noqa: S101 - the suite is made of assertions

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

import pytest
import simplejson

from qb_pipeline.contractor.protocol import Connector, Guard, Observed, Remove, canonical
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State, Values
from qb_pipeline.entities.values import same
from qb_pipeline.errors import FixTheData, Misconfigured, NotFound, PlanAgain, Reconnect, RetryLater

ENOUGH_PAGES = 200


class Bench(Protocol):
    """A workspace and ways to make it misbehave. `entity` is a simple one with a name, `document` a voidable one."""

    connector: Connector
    small_pages: Connector  # the same workspace, two records a page
    entity: str
    document: str | None
    same_instant: frozenset[str]  # ids of at least three records of `entity` with one and the same updated_at

    def values(self, entity: str, name: str) -> Values:
        """Complete values of a new record, all fields filled that the platform can hold; `name` makes it unique."""
        ...

    def with_key(self, api_key: str) -> Connector: ...

    def lose_next_answer(self, operation: str) -> None:
        """The next request of that operation is applied, then its connection is closed unanswered."""
        ...

    def refuse_next(self, operation: str, status: int, *, times: int = 1, retry_after: int | None = None) -> None: ...

    def delivery(self, entity: str, id: str) -> tuple[Mapping[str, str], bytes, str]:  # noqa: A002 - the protocol's word
        """Headers, body and secret of a webhook about that record."""
        ...


def body_of(fields: Mapping[str, Any]) -> bytes:
    return simplejson.dumps(fields, use_decimal=True, separators=(",", ":")).encode()


class ConnectorConformance:
    """Mix into a test class whose module has a `bench` fixture."""

    def new(self, bench: Bench, entity: str, name: str) -> Observed:
        body = body_of(bench.connector.codec(entity).encode_create(bench.values(entity, name)))
        return bench.connector.create(entity, body, idempotency_key=f"new-{entity}-{name}")

    def everything(self, connector: Connector, entity: str) -> list[Observed]:
        found: list[Observed] = []
        page: str | None = None
        for _ in range(ENOUGH_PAGES):
            answer = connector.changes(entity, None, page)
            found += answer.records
            page = answer.next_page
            if page is None:
                return found
        raise AssertionError(f"the listing of {entity} does not end")

    def test_every_creatable_entity_reads_back_as_it_was_written(self, bench: Bench) -> None:
        for entity, can in bench.connector.describe().entities.items():
            if not can.creatable:
                continue
            wanted = bench.values(entity, "read back")
            made = self.new(bench, entity, "read back")
            values = canonical(bench.connector, entity, bench.connector.get(entity, made.id)).values
            codec_map = {name: values[name] for name in can.readable & can.writable_on_create & wanted.keys()}
            spec = _specs(entity)
            for name, value in codec_map.items():
                assert same(spec[name], _bare(value), _bare(wanted[name])), f"{entity}.{name}"

    def test_the_codec_shows_exactly_the_fields_it_says_it_shows(self, bench: Bench) -> None:
        can = bench.connector.describe()[bench.entity]
        made = self.new(bench, bench.entity, "shown")
        assert canonical(bench.connector, bench.entity, made).values.keys() == can.readable

    def test_an_entity_the_platform_lacks_is_refused_as_a_configuration_error(self, bench: Bench) -> None:
        assert "nonesuch" not in bench.connector.describe()
        with pytest.raises(Misconfigured):
            bench.connector.changes("nonesuch", None, None)

    def test_a_listing_shows_every_record_once_while_others_are_inserted(self, bench: Bench) -> None:
        before = {record.id for record in self.everything(bench.small_pages, bench.entity)}
        seen: list[str] = []
        page: str | None = None
        for turn in range(ENOUGH_PAGES):
            answer = bench.small_pages.changes(bench.entity, None, page)
            seen += [record.id for record in answer.records]
            if turn < 3:
                self.new(bench, bench.entity, f"inserted {turn}")
            page = answer.next_page
            if page is None:
                break
        assert len(seen) == len(set(seen))
        assert before <= set(seen)

    def test_records_with_equal_timestamps_all_arrive_over_page_borders(self, bench: Bench) -> None:
        assert len(bench.same_instant) >= 3
        records = [r for r in self.everything(bench.small_pages, bench.entity) if r.id in bench.same_instant]
        assert {record.updated_at for record in records} == {records[0].updated_at}
        assert sorted(record.id for record in records) == sorted(bench.same_instant)

    def test_a_record_changed_exactly_at_the_instant_asked_for_is_included(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "edge")
        at_it = bench.connector.changes(bench.entity, made.updated_at, None)
        after_it = bench.connector.changes(bench.entity, made.updated_at + timedelta(microseconds=1), None)
        assert made.id in {record.id for record in at_it.records}
        server_filters = bench.connector.describe()[bench.entity].changed_since.value == "server"
        assert not server_filters or made.id not in {record.id for record in after_it.records}

    def test_an_update_changes_what_it_names_and_nothing_else(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "updated")
        before = canonical(bench.connector, bench.entity, made).values
        wanted = {**before, "name": "updated name"}
        after = canonical(bench.connector, bench.entity, self.rename(bench, made, "updated name", "u1")).values
        assert after == wanted

    def rename(
        self, bench: Bench, record: Observed, name: str, key: str, connector: Connector | None = None
    ) -> Observed:
        used = connector or bench.connector
        values = {**used.codec(bench.entity).decode(record.raw).values, "name": name}
        body = body_of(used.codec(bench.entity).encode_update(values, frozenset({"name"}), record.raw))
        return used.update(
            bench.entity, record.id, body, expected_version=record.version, idempotency_key=f"rename-{record.id}-{key}"
        )

    def test_a_stale_version_is_refused_and_changes_nothing(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "stale")
        assert bench.connector.describe()[bench.entity].guard is not Guard.NONE
        newer = self.rename(bench, made, "newer", "s1")
        with pytest.raises(PlanAgain):
            self.rename(bench, made, "older", "s2")
        assert bench.connector.get(bench.entity, made.id).version == newer.version

    def test_a_lost_answer_says_maybe_written_and_the_same_bytes_create_no_second_record(self, bench: Bench) -> None:
        body = body_of(bench.connector.codec(bench.entity).encode_create(bench.values(bench.entity, "lost answer")))
        bench.lose_next_answer("create")
        with pytest.raises(RetryLater) as failure:
            bench.connector.create(bench.entity, body, idempotency_key="lost-1")
        assert failure.value.maybe_written
        found = bench.connector.find(bench.entity, "name", "lost answer")
        assert len(found) == 1
        if bench.connector.describe()[bench.entity].idempotent:
            again = bench.connector.create(bench.entity, body, idempotency_key="lost-1")
            assert again.id == found[0].id
            assert len(bench.connector.find(bench.entity, "name", "lost answer")) == 1

    def test_a_stored_answer_can_be_bound_after_a_crash(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "bound")
        assert bench.connector.parse_answer(bench.entity, body_of(made.raw)) == made

    def test_a_deleted_record_leaves_the_ids_and_reading_it_tells(self, bench: Bench) -> None:
        if Remove.DELETE not in bench.connector.describe()[bench.entity].removals:
            pytest.skip("the platform deletes nothing of this entity")
        made = self.new(bench, bench.entity, "deleted")
        assert (made.id, made.version) in set(bench.connector.ids(bench.entity))
        bench.connector.delete(bench.entity, made.id, expected_version=made.version)
        assert made.id not in dict(bench.connector.ids(bench.entity))
        assert self.is_gone(bench, made.id)

    def is_gone(self, bench: Bench, record: str) -> bool:
        try:
            current = bench.connector.get(bench.entity, record)
        except NotFound:
            return True
        return current.deleted and canonical(bench.connector, bench.entity, current).state is State.DELETED

    def test_deletions_are_in_the_feed_where_the_connector_says_so(self, bench: Bench) -> None:
        if bench.connector.describe()[bench.entity].deletes.value != "feed":
            pytest.skip("deletions are not in this platform's feed")
        made = self.new(bench, bench.entity, "in the feed")
        bench.connector.delete(bench.entity, made.id, expected_version=made.version)
        records = bench.connector.changes(bench.entity, made.updated_at, None).records
        assert [record.deleted for record in records if record.id == made.id] == [True]

    def test_deleting_again_after_a_lost_answer_is_no_error(self, bench: Bench) -> None:
        if Remove.DELETE not in bench.connector.describe()[bench.entity].removals:
            pytest.skip("the platform deletes nothing of this entity")
        made = self.new(bench, bench.entity, "deleted twice")
        bench.lose_next_answer("delete")
        with pytest.raises(RetryLater) as failure:
            bench.connector.delete(bench.entity, made.id, expected_version=made.version)
        assert failure.value.maybe_written
        again = bench.connector.delete(bench.entity, made.id, expected_version=made.version)
        assert again is None or again.deleted

    def test_a_voided_document_stays_and_reads_as_voided(self, bench: Bench) -> None:
        if bench.document is None:
            pytest.skip("the platform voids nothing")
        made = self.new(bench, bench.document, "voided")
        voided = bench.connector.void(bench.document, made.id, expected_version=made.version, idempotency_key="void-1")
        assert canonical(bench.connector, bench.document, voided).state is State.VOIDED
        assert made.id in dict(bench.connector.ids(bench.document))

    def test_a_record_that_never_was_is_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFound):
            bench.connector.get(bench.entity, "no-such-id")

    def test_a_wrong_key_asks_to_reconnect(self, bench: Bench) -> None:
        with pytest.raises(Reconnect):
            bench.with_key("wrong-key").changes(bench.entity, None, None)

    def test_a_refused_record_names_its_field(self, bench: Bench) -> None:
        with pytest.raises(FixTheData) as failure:
            bench.connector.create(bench.entity, body_of({"name": None}), idempotency_key="refused-1")
        assert failure.value.fix
        assert failure.value.field == "name"

    def test_a_throttled_or_failing_read_is_repeated(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "throttled")
        before = bench.connector.calls["get"]
        bench.refuse_next("get", 429, retry_after=1)
        bench.refuse_next("get", 503)
        assert bench.connector.get(bench.entity, made.id).id == made.id
        assert bench.connector.calls["get"] - before == 3

    def test_a_throttled_write_is_not_repeated_and_says_when_to_come_back(self, bench: Bench) -> None:
        before = bench.connector.calls["create"]
        bench.refuse_next("create", 429, retry_after=7)
        with pytest.raises(RetryLater) as failure:
            self.new(bench, bench.entity, "throttled write")
        assert failure.value.after == 7
        assert not failure.value.maybe_written
        assert bench.connector.calls["create"] - before == 1

    def test_a_failing_write_may_have_been_written(self, bench: Bench) -> None:
        bench.refuse_next("create", 500)
        with pytest.raises(RetryLater) as failure:
            self.new(bench, bench.entity, "failing write")
        assert failure.value.maybe_written

    def test_a_signed_webhook_names_its_record_and_a_replay_has_the_same_key(self, bench: Bench) -> None:
        made = self.new(bench, bench.entity, "hooked")
        headers, body, secret = bench.delivery(bench.entity, made.id)
        (change,) = bench.connector.parse_webhook(headers, body, secret)
        assert (change.entity, change.id) == (bench.entity, made.id)
        assert bench.connector.parse_webhook(headers, body, secret)[0].dedupe_key == change.dedupe_key

    def test_a_webhook_with_a_bad_signature_is_refused(self, bench: Bench) -> None:
        headers, body, secret = bench.delivery(bench.entity, "any")
        for given, content, key in ((headers, body + b" ", secret), (headers, body, "other"), ({}, body, secret)):
            with pytest.raises(Misconfigured) as failure:
                bench.connector.parse_webhook(given, content, key)
            assert failure.value.code == "bad_signature"


def _specs(entity: str) -> Mapping[str, Any]:

    return {field.name: field for field in ENTITIES[entity].fields}


def _bare(value: Any) -> Any:
    """Lines without their native ids, which the platform gives."""
    return tuple({k: v for k, v in line.items() if k != "id"} for line in value) if isinstance(value, tuple) else value
