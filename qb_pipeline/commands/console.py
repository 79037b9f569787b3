"""`console`: the web service that takes webhooks, leads through QuickBooks' consent and tells how everything is.

Invariant: its first line says where it listens, and is written once it does.
"""

from __future__ import annotations

import sys
from typing import Any

import click
import simplejson

from qb_pipeline.commands.connect import show_in_dagster
from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.console.app import make_app
from qb_pipeline.console.server import base_url, listen, serve
from qb_pipeline.settings import Settings, console_key


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="Default: QB_CONSOLE_PORT; 0 takes a free one.")
@click.option("--host", help="Default: QB_CONSOLE_HOST.")
@json_option
@click.pass_obj
def console(output: Output, port: int | None, host: str | None) -> None:
    """Take webhooks and lead through QuickBooks' consent, until stopped (Ctrl-C or SIGTERM)."""
    with store() as (settings, engine):
        name = host or settings.console_host
        with listen(name, settings.console_port if port is None else port) as listener:
            here = base_url(listener, name)
            current = coming_back_here(settings, here)
            console_key(current)  # so that it can be read as soon as the first line is
            app = make_app(engine, current, lambda _company: show_in_dagster(current, engine))
            serve(app, current, listener, lambda: _announce(output, current, here))


def coming_back_here(settings: Settings, here: str) -> Settings:
    """Unless QB_REDIRECT_URI says otherwise, Intuit sends browsers back to where this console listens."""
    if "redirect_uri" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"redirect_uri": f"{here}/oauth/callback"})


def _announce(output: Output, settings: Settings, here: str) -> None:
    document: dict[str, Any] = {
        "base_url": here,
        "webhooks": {"quickbooks": f"{here}/webhooks/quickbooks", "contractor": f"{here}/webhooks/contractor"},
        "redirect_uri": settings.redirect_uri,
        "home": str(settings.home),
    }
    if output.json:
        # One line: whoever started it reads a line, and the process goes on.
        sys.stdout.write(simplejson.dumps(document) + "\n")
    else:
        where = "QB_CONSOLE_KEY" if settings.console_key is not None else str(settings.home / "console.key")
        sys.stdout.write(f"The console listens at {here}; its key is in {where}. Stop with Ctrl-C.\n")
    sys.stdout.flush()
