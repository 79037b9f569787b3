"""`env-example`: every setting with its description.

Invariant: it prints what `settings.py` declares and nothing else, so `.env.example` can be made from it.
"""

from __future__ import annotations

import sys

import click

from qb_pipeline import settings
from qb_pipeline.commands.output import Output, json_option


@click.command("env-example")
@json_option
@click.pass_obj
def env_example(output: Output) -> None:
    """Print every setting with its description."""
    if not output.json:
        sys.stdout.write(settings.env_example())
        return
    fields = settings.Settings.model_fields
    known = [
        {"name": f"{settings.PREFIX}{name.upper()}", "description": f.description, "default": f.default}
        for name, f in fields.items()
    ]
    output.result({"settings": known}, lambda _console: None)
