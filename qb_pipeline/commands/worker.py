"""`worker`: warm processes that carry out runs, for QB_RUN_LAUNCHER=celery.

Invariant: it works on the instance that `up` shows: same home, same database, same settings.
"""

from __future__ import annotations

import click

from qb_pipeline.commands.opening import store
from qb_pipeline.defs.instance import celery_broker, prepare
from qb_pipeline.settings import Settings


@click.command()
def worker() -> None:
    """Carry out runs in processes that are warm (QB_RUN_LAUNCHER=celery), until stopped; SIGTERM lets runs end."""
    with store() as (settings, _):
        reach_broker(settings)
        prepare(settings)
    from qb_pipeline.defs.warm_worker import work  # noqa: PLC0415  # as below

    work(settings)


def reach_broker(settings: Settings) -> None:
    """`Misconfigured` unless there is a broker that answers and the extra that speaks to it is installed."""
    broker = celery_broker(settings)
    from qb_pipeline.defs.warm_worker import check_broker  # noqa: PLC0415  # dagster-celery is an extra

    check_broker(broker)
