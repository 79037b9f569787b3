"""`db`: the database's tables.

Invariant: after it ends well, the tables are those of this version.
"""

from __future__ import annotations

import click

from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option


@click.group()
def db() -> None:
    """The database's tables."""


@db.command()
@json_option
@click.pass_obj
def migrate(output: Output) -> None:
    """Bring the tables up to date; every other command does so too."""
    with store() as (settings, engine):
        where = engine.url.render_as_string(hide_password=True)
    document = {"home": str(settings.home), "database": where, "migrated": True}
    output.result(document, lambda console: console.print(f"The tables of {where} are up to date.", markup=False))
