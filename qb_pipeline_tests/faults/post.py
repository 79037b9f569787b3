"""Webhooks on their way: a console that takes them, and a run that looks at what they name.

Invariant: events travel from the sandboxes' own queues over HTTP with their signatures into the inbox; nothing is put
into it by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from qb_pipeline.commands.opening import store
from qb_pipeline.settings import Settings
from qb_pipeline.store import inbox
from qb_pipeline.store.engine import make_engine
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync import merging
from qb_pipeline.sync.reading import echoes, hints
from qb_pipeline.sync.session import session
from qb_pipeline_tests.end_to_end.harness import COMPANY, Instance
from qb_pipeline_tests.unit.console.running import console, settings_for

LEGACY, CLOUD, MIXED = ("legacy",), ("cloudevents",), ("legacy", "cloudevents")


@contextmanager
def post_office(instance: Instance) -> Iterator[str]:
    """A console between both sandboxes and the instance's database; yields its address."""
    told = instance.quickbooks.info["verifier_token"], instance.contractor.info["webhook_secret"]
    current = settings_for(
        instance.home, database_url=instance.database_url, verifier_token=told[0], webhook_secret=told[1]
    )
    engine = make_engine(instance.database_url)
    try:
        with console(engine, current) as running:
            yield running.base_url
    finally:
        engine.dispose()


def subscribe(instance: Instance, address: str, formats: tuple[str, ...] = LEGACY) -> None:
    """Both systems tell the console from now on; with two formats each event comes in both."""
    instance.contractor.control("subscribe", {"url": f"{address}/webhooks/contractor"})
    for form in formats:
        url = f"{address}/webhooks/quickbooks?format={form}"
        instance.quickbooks.control("subscribe", {"url": url, "format": form})


def look_at_webhooks() -> int:
    """In a process of the product: what the webhook job does with the events that wait."""
    with store() as (current, engine):
        look(engine, current)
    return 0


def look(engine: Engine, current: Settings) -> None:
    """The same with an open store."""
    with engine.begin() as conn:
        echoes.let_go(conn)
        waiting = inbox.waiting(conn).get(COMPANY)
    if waiting is None:
        return
    with session(engine, current, COMPANY, "webhooks", allow_mass_change=True) as ctx:
        result = steps.Result()
        steps.prepare(ctx)
        with ctx.begin() as conn:
            events = inbox.take(conn, COMPANY, waiting.first, waiting.last, ctx.run_id)
        merging.note_merges(ctx, events)
        hints.read(ctx, hints.hints_of(events))
        steps.agree(ctx, result)
        with ctx.begin() as conn:
            inbox.done(conn, COMPANY, ctx.run_id, ctx.now())
