"""What a session sees to as it begins and while it writes: what dead runs left, and who is still connected."""

from __future__ import annotations

from pathlib import Path

import pytest
import simplejson
from sqlalchemy import Engine
from sqlalchemy.exc import InternalError

from qb_pipeline.contractor.rest import RestConnector
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import PipelineError, Reconnect
from qb_pipeline.settings import Settings
from qb_pipeline.store import companies, inbox, notices, runs
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.inbox import Event
from qb_pipeline.store.journal import Phase
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.situations import NOT_CONNECTED
from qb_pipeline.sync import contact
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.contractor_port import ContractorPort
from qb_pipeline.sync.session import session
from qb_pipeline_tests.sync.test_quickbooks_lanes import Ear, writes
from qb_pipeline_tests.sync.world import COMPANY, World, customer
from qb_pipeline_tests.unit.console.running import REALM, enter, settings_for
from qb_pipeline_tests.unit.contractor.servers import Reply, scripted


@pytest.fixture
def current(engine: Engine, tmp_path: Path) -> Settings:
    """Settings, and a company of addresses where nobody listens: opening a session asks neither system."""
    chosen = settings_for(tmp_path)
    enter(engine, chosen, COMPANY, contractor_url="http://127.0.0.1:9", contractor_key="key")
    return chosen


def told(engine: Engine, key: str, taken_by: str, company: str = COMPANY) -> None:
    """An event that a run took."""
    with engine.begin() as conn:
        runs.start(conn, company, "webhook_changes", taken_by)
        inbox.store(conn, [Event("quickbooks", "Customer", key, "updated", key, company=company)])
        waits = inbox.waiting(conn)[company]
        assert len(inbox.take(conn, company, waits.first, waits.last, taken_by)) == 1


def waiting(engine: Engine) -> dict[str, int]:
    with engine.connect() as conn:
        return {company: found.count for company, found in inbox.waiting(conn).items()}


def test_whatever_run_comes_next_gives_back_the_webhook_events_of_one_that_was_killed(
    engine: Engine, current: Settings
) -> None:
    enter(engine, current, "zenith", None)
    told(engine, "a", "killed")
    told(engine, "b", "killed too")
    told(engine, "c", "of another company", "zenith")
    assert waiting(engine) == {}
    with session(engine, current, COMPANY, "command line"):
        assert waiting(engine) == {COMPANY: 2}


def test_a_run_that_can_not_even_open_its_company_gives_them_back_all_the_same(
    engine: Engine, current: Settings
) -> None:
    enter(engine, current, COMPANY, None, contractor_url="http://127.0.0.1:9")
    told(engine, "a", "killed")
    with pytest.raises(PipelineError), session(engine, current, COMPANY, "command line"):
        pytest.fail("there is no key for the contractor's system")
    assert waiting(engine) == {COMPANY: 1}


def test_a_run_does_not_give_back_what_it_took_itself(engine: Engine, current: Settings) -> None:
    with session(engine, current, COMPANY, "webhooks") as ctx:
        with engine.begin() as conn:
            inbox.store(conn, [Event("quickbooks", "Customer", "1", "updated", "a", company=COMPANY)])
            inbox.take(conn, COMPANY, 0, 10**9, ctx.run_id)
            assert inbox.release_abandoned(conn, COMPANY, alive=ctx.run_id) == 0
        assert waiting(engine) == {}


def end_connection(engine: Engine) -> None:
    with engine.begin() as conn:
        contact.left(conn, COMPANY, "disconnected by command")


def test_a_run_whose_company_is_disconnected_may_still_note_answers_but_write_nothing_more(
    engine: Engine, current: Settings
) -> None:
    with pytest.raises(Reconnect, match="not connected"), session(engine, current, COMPANY, "command line") as ctx:
        ctx.may_write()
        end_connection(engine)
        with ctx.begin() as conn:
            assert inbox.waiting(conn) == {}
        ctx.may_write()
        pytest.fail("the company is not connected any more")
    with engine.connect() as conn:
        assert companies.get(conn, COMPANY).state is CompanyState.DISCONNECTED
        assert notices.open_(conn, COMPANY) == [], "who disconnects needs no alarm"


def test_what_only_looks_can_change_nothing_and_the_next_transaction_can(engine: Engine, current: Settings) -> None:
    with session(engine, current, COMPANY, "command line") as ctx:
        with pytest.raises(InternalError, match="read-only transaction"), ctx.look() as conn:
            ctx.note_calls(conn)
        with ctx.begin() as conn:
            ctx.note_calls(conn)


def run(world: World) -> Context:
    """One sync under the company's lock, as a session holds it."""
    with company_lock(world.engine, COMPANY) as hold:
        return world.run(holding=hold.check, may_write=hold.check_connected)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("batch", [1, 3])
def test_after_a_disconnect_in_the_middle_of_a_run_no_write_begins_and_what_is_owed_is_written_once_connected_again(
    world: World, current: Settings, side: Side, batch: int
) -> None:
    port, people = world.port(side), [f"Customer {n}" for n in range(5)]
    port.batch = batch
    for name in people:
        world.port(side.other).add("customer", **customer(name))
    world.port(side).add("customer", **customer("The other way"))
    port.meanwhile = [lambda: end_connection(world.engine)]
    with pytest.raises(Reconnect, match="not connected"):
        run(world)
    written = 1 if side is Side.CONTRACTOR else 2  # the contractor's side is written first
    assert world.writes() == written
    assert len(port.live("customer")) == 2, "what had begun was done, and is known"
    assert len(world.links()) == written
    assert [row.phase for row in world.journal()].count(Phase.BOUND) == written
    assert world.codes() == []
    with world.engine.begin() as conn:
        companies.connected(conn, COMPANY, REALM)
    run(world)
    assert [world.names(each) for each in Side] == [[*people, "The other way"]] * 2
    assert world.writes() == 6
    run(world)
    assert world.writes() == 6


def test_of_writes_that_left_together_for_the_contractor_none_begins_after_a_disconnect() -> None:
    record = {"id": "c1", "version": "3", "updated_at": "2026-03-01T10:00:00Z", "name": "Ann"}
    with scripted() as script:
        script.replies = [Reply(201, simplejson.dumps(record).encode(), wait=0.05)]
        connector = RestConnector(load_system("reference"), script.url, "key")

        class Ending(Ear):
            def may_leave(self) -> None:
                super().may_leave()
                if len(script.asked) >= 7:  # several may have left since somebody looked
                    self.ended = NOT_CONNECTED.error(company=COMPANY)

        ear = Ending()
        with pytest.raises(Reconnect):
            ContractorPort(connector, ENTITIES).send(writes(60), ear)
        assert 7 <= len(script.asked) < 7 + 2 * 6, "those under way, and no more"
    assert [len(group) for group in ear.left] == [60]
    assert sum(ear.answered_ids.values()) == 60, "each is told what became of it"
