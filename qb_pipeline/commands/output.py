"""What a command shows: a result on standard output, everything else on standard error.

Invariant: with --json, standard output is exactly one JSON document, also when the command fails; only a reader that
leaves before its end gets less.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])
_LATER = "It is retried by itself"  # true of a schedule's runs, not of a command somebody typed
_QUIET_SECONDS = 2.0  # between two lines of progress where the terminal can't redraw one
READER_LEFT = 141  # what a shell says of any command whose reader left, as `| head` does
_WIDTH = 160  # of text that goes to a file or another program


@dataclass
class Output:
    """How one invocation speaks."""

    json: bool = False
    debug: bool = False

    def say(self, text: str) -> None:
        """A line for a person, on standard error."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def result(self, document: Any, show: Callable[[Console], None]) -> None:
        """The command's result: the document with --json, otherwise what `show` prints."""
        try:
            self._show(document, show)
        except BrokenPipeError:
            drop_unwritten()
            raise SystemExit(READER_LEFT) from None

    def _show(self, document: Any, show: Callable[[Console], None]) -> None:
        if self.json:
            _write_json(document)
            return
        from qb_pipeline.commands.screen import Screen  # noqa: PLC0415  # rich costs a moment that --json need not spend

        show(Screen(highlight=False, width=None if sys.stdout.isatty() else _WIDTH))

    def fail(self, code: str, cause: str, fix: str, who: str = "data engineer") -> None:
        """The one line of a failure."""
        cause, fix = (text.replace(_LATER, "Run the command again") for text in (cause, fix))
        line = " ".join(f"{cause} {fix}".split())
        self.say(f"error: {line}")
        if self.json:
            try:
                _write_json({"error": {"code": code, "cause": cause, "fix": fix, "who": who}})
            except OSError:  # nobody reads on, or there is no room: it ends with its own code
                drop_unwritten()

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[str], None]]:
        """Yields a function that shows one line of progress at a time; may be called from any thread."""
        if not sys.stderr.isatty():
            yield self._lines()
            return
        from rich.console import Console  # noqa: PLC0415  # as above

        with Console(stderr=True).status(what) as status:
            yield status.update

    def _lines(self) -> Callable[[str], None]:
        last = 0.0

        def line(text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _QUIET_SECONDS:
                last = time.monotonic()
                self.say(text)

        return line


def json_option(command: F) -> F:
    """Adds --json, which every command has."""

    def note(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(Output).json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=note,
        help="Print one JSON document instead of text.",
    )(command)  # fmt: skip


def drop_unwritten() -> None:
    """What can't be written goes nowhere, instead of to another error and another exit code as the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_json(document: Any) -> None:
    import simplejson  # noqa: PLC0415  # only --json needs it

    text = simplejson.dumps(document, use_decimal=True, default=str, ensure_ascii=False, indent=2)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def unbroken(console: Console, text: str) -> None:
    """A line that may offer a command, which no break of ours may cut in two."""
    console.print(text, markup=False, soft_wrap=True)
