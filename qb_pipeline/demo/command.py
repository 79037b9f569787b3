"""The `demo` command.

Invariant: the last line of standard output begins with BOOKS AGREE or BOOKS DISAGREE, and the exit code says the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.demo import generated, recorded, report, serving, stack
from qb_pipeline.demo.generator import SEED
from qb_pipeline.demo.telling import Told, document

Say = Callable[[str], None]


@click.command()
@click.option("--qbo-data", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="A folder with a recorded QuickBooks company, one <Entity>.jsonl for each kind.")  # fmt: skip
@click.option("--contractor", type=click.Choice(["empty", "half"]), default="empty", show_default=True,
              help="With --qbo-data: what the contractor's system holds, nothing or half of the customers under other "
              "spellings.")  # fmt: skip
@click.option("--serve", is_flag=True, help="Keep both servers and Dagster's web pages running until Ctrl-C.")
@click.option("--port", default=3000, show_default=True, help="Of Dagster's web pages with --serve.")
@click.option("--seed", default=SEED, show_default=True, help="Of the generated company and the spellings.")
@json_option
@click.pass_obj
def demo(output: Output, qbo_data: Path | None, contractor: str, serve: bool, port: int, seed: int) -> int:
    """The main job against both sandboxes, from nothing, in QB_HOME/demo.

    A generated contractor company meets its QuickBooks books, or a recorded QuickBooks company an empty contractor
    system. Both servers are read at the end and compared record by record.
    """
    began = time.monotonic()
    home = stack.demo_home()
    folder = qbo_data.absolute() if qbo_data else None

    def say(text: str) -> None:
        output.say(f"[{time.monotonic() - began:5.1f} s] {text}")

    stack.clean(home)
    with _told(output, home, folder, contractor, seed, say) as told:
        page = report.write(told, home / "report.html")
        output.result({**document(told), "report": str(page)}, lambda console: _show(console, told, page))
        if serve:
            serving.serve(home, port, output.say)
    return 0 if told.agree else 1


@contextmanager
def _told(output: Output, home: Path, folder: Path | None, contractor: str, seed: int, say: Say) -> Iterator[Told]:
    """The story, told while its servers run; they run until the block ends."""
    if folder is not None:
        ours, theirs = recorded.prepared(home, folder, contractor, seed)
        with stack.running(home, contractor=ours, quickbooks=theirs) as world:
            with output.progress("starting") as progress:
                told = recorded.tell(world, folder, contractor, say, progress)
            yield told
        return
    workspace, ours, theirs = generated.prepared(home, seed)
    with stack.running(home, contractor=ours, quickbooks=theirs) as world:
        with output.progress("starting") as progress:
            told = generated.tell(world, workspace, seed, say, progress)
        yield told


def _show(console: object, told: Told, page: Path) -> None:
    from rich.console import Console  # noqa: PLC0415  # --json needs no rich

    from qb_pipeline.demo import screen  # noqa: PLC0415  # as above

    if isinstance(console, Console):
        screen.show(console, told, page)
