"""The `sandbox` command group: a QuickBooks Online server and a contractor server for demos and tests.

Invariant: standard output carries nothing before the server's first line; an expected failure is one line on
standard error and a non-zero exit.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from qb_pipeline.sandbox.kernel.errors import DataError

PathOption = click.Path(path_type=Path)


@click.group()
def sandbox() -> None:
    """Honest local servers to test an integration against (docs/sandbox.md).

    The first line of output is a JSON object with the address and the credentials.
    """


def server_options(default_port: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options both servers take."""
    options = (
        click.option(
            "--port",
            default=default_port,
            show_default=True,
            type=click.IntRange(0, 65_535),
            help="0 takes a free port.",
        ),
        click.option("--host", default="127.0.0.1", show_default=True),
        click.option("--state", type=PathOption, help="SQLite file that keeps the state; default: a temporary one."),
        click.option(
            "--data", type=PathOption, help="Folder with one .jsonl file of records for each kind, to begin with."
        ),
        click.option("--empty", is_flag=True, help="Begin without the sample records."),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@sandbox.command()
@server_options(8040)
def quickbooks(**options: Any) -> None:
    """A server that behaves like QuickBooks Online.

    It begins with a sample company. Faults, limits, webhooks and the clock are set below /_sandbox/, and
    /_sandbox/openapi.json describes every address.
    """
    from qb_pipeline.sandbox.quickbooks.server import run  # noqa: PLC0415  # only the server asked for is imported

    start(run, options)


@sandbox.command()
@server_options(8041)
def contractor(**options: Any) -> None:
    """A contractor's business software with the reference API.

    It begins with a small workshop's records; faults, limits, webhooks and the clock are set below /_sandbox/.
    """
    from qb_pipeline.sandbox.contractor.server import run  # noqa: PLC0415  # only the server asked for is imported

    start(run, options)


def start(run: Callable[..., None], options: dict[str, Any]) -> None:
    """Run a server; expected failures become one line."""
    if options["data"] is not None and options["empty"]:
        raise click.UsageError("--data and --empty exclude each other")
    try:
        run(**options)
    except OSError as error:
        address = f"{options['host']}:{options['port']}"
        raise click.ClickException(f"cannot serve on {address} or open the state file: {error}") from error
    except DataError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sandbox(prog_name="sandbox")
