"""Every situation that has a code, in one listing, from the places that raise them.

Invariant: a code stands here once; this file holds no words about any of them.

    python -m qb_pipeline.sync.situations > docs/exceptions.md
"""

from __future__ import annotations

import sys
from functools import cache
from itertools import groupby

from qb_pipeline.contractor import situations as contractor
from qb_pipeline.quickbooks import catalogue as quickbooks
from qb_pipeline.quickbooks.codecs import situations as codecs
from qb_pipeline.situations import Situation
from qb_pipeline.store import situations as store
from qb_pipeline.sync import refusals, screen

PARTS = (
    refusals.SITUATIONS, quickbooks.SITUATIONS, codecs.SITUATIONS, contractor.SITUATIONS, contractor.OF_RECORDS,
    store.SITUATIONS,
)  # fmt: skip

_INTRODUCTION = """# Exceptions

Each situation in which something can't be done has a code. The code, the words and the recovery are the program's own:
this page is made from them (`make docs`), and `qb-pipeline errors codes` prints the same. A name in braces stands for
what is filled in for the record at hand. *Retried by itself* means with backoff, five times; after that the exception
rests as dead until somebody retries or ignores it. *Planned again* means that the record is read once more and the
write planned anew within the run; what is refused then stands open for a person.
"""

_SCREEN = """What a command or the console may end with, in one line and with an exit code other than
nought: nothing was begun, or what was begun goes on with the next run. These never stand in the exception table.
"""

_HEAD = "| code | cause | fix | who | then |\n|---|---|---|---|---|\n"


@cache
def every() -> tuple[Situation, ...]:
    """All situations, by area."""
    found = [one for part in PARTS for one in part]
    return tuple(sorted(found, key=lambda s: s.area))


def find(code: str) -> Situation | None:
    """The situation of an exception's code; None for a code of another system's own."""
    exact = next((s for s in every() if s.code == code), None)
    return exact or next((s for s in every() if "{" in s.code and code.startswith(s.code.split("{")[0])), None)


def title_of(code: str, otherwise: str) -> str:
    """The title of a code whose title needs no filling in."""
    found = find(code)
    return found.title if found is not None and "{" not in found.title else otherwise


def page() -> str:
    """The Markdown of docs/exceptions.md."""
    parts = [_INTRODUCTION]
    for area, group in groupby(every(), key=lambda s: s.area):
        rows = "".join(_row(s) for s in group)
        parts.append(f"## {area[0].upper()}{area[1:]}\n\n{_HEAD}{rows}")
    return "\n".join([*parts, _on_the_screen()])


def _on_the_screen() -> str:
    """What a command or the console ends with, and what can't come to stand in the exception table."""
    known = {one.code for one in every()}
    lines = {
        f"| `{r.code}` | {_cell(r.cause)} | {_cell(r.fix)} | {r.recovery.recovery} |\n"
        for r in screen.raised()
        if r.code not in known
    }
    return f"## On the screen\n\n{_SCREEN}\n| code | cause | fix | then |\n|---|---|---|---|\n{''.join(sorted(lines))}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _row(one: Situation) -> str:
    cells = (f"`{one.code}`", one.cause, one.fix, one.who, one.then)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
