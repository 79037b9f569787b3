"""The `qb-pipeline` command.

Invariant: it exits 0 only when it did what it says; every failure is one line on standard error that names the cause
and the fix, and a traceback shows only with --debug.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from qb_pipeline.commands.lazy import LazyGroup
from qb_pipeline.commands.output import READER_LEFT, Output, drop_unwritten
from qb_pipeline.errors import PipelineError
from qb_pipeline.secrecy import quoted, without_secrets

_FAILED, _WRONG_USE, _INTERRUPTED = 1, 2, 130

# Each module is imported only when its command runs: showing the help must not cost the import of the engine.
_COMMANDS = {
    "connect": ("qb_pipeline.commands.connect:connect", "Connect a company: contractor key, then QuickBooks' consent."),
    "disconnect": ("qb_pipeline.commands.connect:disconnect", "End a company's connection; its links are kept."),
    "status": ("qb_pipeline.commands.status:status", "Companies, their connections, last runs and what waits."),
    "health": ("qb_pipeline.commands.health:health", "Is everything well? Exits 1 where it is not."),
    "sync": ("qb_pipeline.commands.sync:sync", "Bring both systems into agreement, once, in this process."),
    "backfill": ("qb_pipeline.commands.backfill:backfill", "Read some days again on both sides, or owed gaps."),
    "plan": ("qb_pipeline.commands.plan:plan", "Show what a sync would write, and write nothing."),
    "undo": ("qb_pipeline.commands.undo:undo", "Take back what a run wrote."),
    "errors": ("qb_pipeline.commands.exceptions:errors", "Records that could not be kept in agreement."),
    "notices": ("qb_pipeline.commands.notices:notices", "Alarms, all-clears and digests: list, or send now."),
    "review": ("qb_pipeline.commands.review:review", "Pairs that may be the same record: a person decides."),
    "match": ("qb_pipeline.commands.match:match", "Match two CSV files with the engine's own matcher."),
    "up": ("qb_pipeline.commands.up:up", "Start Dagster's UI and daemon for real use."),
    "dev": ("qb_pipeline.commands.up:dev", "Start Dagster and both sandboxes, until stopped."),
    "console": ("qb_pipeline.commands.console:console", "Take webhooks and lead through QuickBooks' consent."),
    "worker": ("qb_pipeline.commands.worker:worker", "Carry out runs in warm processes, for QB_RUN_LAUNCHER=celery."),
    "demo": ("qb_pipeline.demo.command:demo", "The main job against both sandboxes, from nothing."),
    "sandbox": ("qb_pipeline.sandbox.cli:sandbox", "A QuickBooks Online server and a contractor server for tests."),
    "rotate-key": ("qb_pipeline.commands.rotate:rotate_key", "Seal every token and secret with a new key."),
    "db": ("qb_pipeline.commands.database:db", "The database's tables."),
    "env-example": ("qb_pipeline.commands.env_example:env_example", "Print every setting with its description."),
}


@click.group(cls=LazyGroup, commands_at=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback when something fails.")
@click.pass_obj
def cli(output: Output, debug: bool) -> None:
    """Keep contractor software and QuickBooks Online in agreement."""
    output.debug = debug
    if debug:
        from qb_pipeline import logs  # noqa: PLC0415  # as below

        logs.to_terminal()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit the process with its code."""
    sys.exit(_written(run(list(sys.argv[1:] if arguments is None else arguments))))


def _written(code: int) -> int:
    """The exit code once the result is out: what finds no room, or no reader, only when it leaves the buffer counts."""
    try:
        sys.stdout.flush()
    except OSError as error:
        drop_unwritten()
        return code or (READER_LEFT if isinstance(error, BrokenPipeError) else _report(Output(), error))
    return code


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    output = Output(json="--json" in arguments)  # known before the parsing, which may fail
    try:
        code = cli.main(list(arguments), prog_name="qb-pipeline", standalone_mode=False, obj=output)
    except (click.Abort, KeyboardInterrupt):
        output.fail("stopped", "Stopped by hand.", "Run the same command again: it goes on where it was.")
        return _INTERRUPTED
    except BaseException as error:  # noqa: BLE001  # whatever happened ends as one line and a code
        if output.debug and not isinstance(error, SystemExit):
            sys.stderr.write(without_secrets(traceback.format_exc()))
        return _report(output, error)
    # click returns the code of an early exit (--help), or whatever the command function returned.
    return code if isinstance(code, int) else 0


def _report(output: Output, error: BaseException) -> int:
    """Say in one line what went wrong; the exit code that goes with it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else _FAILED
    if isinstance(error, PipelineError):
        output.fail(error.code, error.cause, error.fix, who=error.who)
        return _FAILED
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "qb-pipeline"
        output.fail("usage", _sentence(error.format_message()), f"See {command} --help.")
        return _WRONG_USE
    if isinstance(error, click.ClickException):
        output.fail("failed", _sentence(error.format_message()), "")
        return error.exit_code
    if (told := _explained(error)) is not None:
        output.fail(told.code, told.cause, told.fix, who=told.who)
    else:
        output.fail("unexpected", *_unexpected(error))
    return _FAILED


def _explained(error: BaseException) -> PipelineError | None:
    """What only the machine's or the database's state is to blame for."""
    from qb_pipeline.store.failures import explained  # noqa: PLC0415  # as in _log

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        fix = "Make room there, then run it again: it goes on where it was."
        return PipelineError(f"The disk is full: no room{where}.", code="disk_full", fix=fix)
    return explained(error)


def _unexpected(error: BaseException) -> tuple[str, str]:
    cause = f"Unexpected {type(error).__name__}: {quoted(str(error), 300)}."
    log = _log(error)
    where = (
        f"The traceback is in {log}; report it with" if log else "Run the command again as qb-pipeline --debug … for"
    )
    return cause, f"{where} {'that file' if log else 'the traceback'}."


def _log(error: BaseException) -> Path | None:
    """Keep the traceback in QB_HOME/logs, where the settings can be read and the folder written."""
    from qb_pipeline.settings import settings  # noqa: PLC0415  # costs time that only this rare path should spend

    try:
        path = settings().home / "logs" / "qb-pipeline.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(
                f"{datetime.now(UTC).isoformat()}\n{without_secrets(''.join(traceback.format_exception(error)))}\n"
            )
    except (PipelineError, OSError):
        return None  # the one line then names --debug instead
    return path


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


if __name__ == "__main__":
    main()
