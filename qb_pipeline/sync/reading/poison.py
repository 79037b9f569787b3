"""Which row it is that QuickBooks can't give (4002): its id is found by asking for ids, because a refusal names none.

Invariant: an id is named only when a query for that very id was refused; one that is not found within the questions
allowed is told with the ids of its readable neighbours, never guessed. QuickBooks knows no range of ids, so lists of
ids are asked for, `LIST` at a time, and the list that is refused is halved until one id is left.

    gaps([id or refusal, …]) -> [Gap, …]             pinned(ask, gaps, likely, most) -> [Pinned, …]
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise

from qb_pipeline.errors import FixTheData

LIST = 100  # ids in one question
Ask = Callable[[Sequence[str]], FixTheData | None]  # the refusal, where one of the ids is a row that can't be given


@dataclass(frozen=True)
class Gap:
    """Refused rows next to each other, and the ids between which they lie; None at an end, and where nothing is known
    of the order."""

    refusals: tuple[FixTheData, ...]
    after: int | None = None
    before: int | None = None

    @property
    def width(self) -> float:
        """How many ids it may be."""
        return float("inf") if self.before is None else self.before - (self.after or 0) - 1

    def holds(self, object_id: str) -> bool:
        """Whether an id may lie in it."""
        if not object_id.isdecimal():
            return self.after is None and self.before is None
        above = self.after is None or int(object_id) > self.after
        return above and (self.before is None or int(object_id) < self.before)

    def where(self) -> str:
        """In words, between which ids it lies; empty where nothing is known."""
        if self.after is not None and self.before is not None:
            return f"between the ids {self.after} and {self.before}"
        if self.after is not None:
            return f"after the id {self.after}"
        return f"before the id {self.before}" if self.before is not None else ""


@dataclass(frozen=True)
class Pinned:
    """A refused row and its id; None where that could not be found out, and then it lies in the gap."""

    id: str | None
    refusal: FixTheData
    gap: Gap


def gaps(trail: Iterable[str | FixTheData]) -> list[Gap]:
    """The gaps in a trail of ids and refusals, which came in the order of ids; where the ids that came are in no
    order of numbers, one gap that says nothing."""
    slots = list(trail)
    came = [s for s in slots if isinstance(s, str)]
    refused = tuple(s for s in slots if isinstance(s, FixTheData))
    if not refused:
        return []
    ascending = all(i.isdecimal() for i in came) and all(int(a) < int(b) for a, b in pairwise(came))
    return list(_between(slots)) if ascending else [Gap(refused)]


def _between(slots: Sequence[str | FixTheData]) -> Iterator[Gap]:
    after: int | None = None
    waiting: list[FixTheData] = []
    for slot in slots:
        if isinstance(slot, FixTheData):
            waiting.append(slot)
            continue
        if waiting:
            yield Gap(tuple(waiting), after, int(slot))
            waiting = []
        after = int(slot)
    if waiting:
        yield Gap(tuple(waiting), after)


def pinned(ask: Ask, found: Sequence[Gap], likely: Sequence[str], most: int) -> list[Pinned]:
    """Every refused row of the gaps, with its id as far as `most` lists of ids reach: first the `likely` ids, in their
    order, then the numbers of the narrowest gap, and so on. A list that is refused is always halved to its end."""
    questions = _Questions(ask, most)
    ids: dict[int, dict[str, FixTheData]] = {n: {} for n in range(len(found))}
    known = set(likely)
    by_width = sorted(ids, key=lambda n: found[n].width)
    for n in by_width:
        ids[n] |= questions.among((i for i in likely if found[n].holds(i)), len(found[n].refusals))
    for n in by_width:
        missing = len(found[n].refusals) - len(ids[n])
        ids[n] |= questions.among(_numbers(found[n], known), missing)
    return [one for n, gap in enumerate(found) for one in _told(gap, ids[n])]


def _told(gap: Gap, ids: dict[str, FixTheData]) -> Iterator[Pinned]:
    yield from (Pinned(i, refusal, gap) for i, refusal in ids.items())
    yield from (Pinned(None, refusal, gap) for refusal in gap.refusals[len(ids) :])


def _numbers(gap: Gap, known: Collection[str]) -> Iterator[str]:
    """The ids of a gap but the known ones, from its readable neighbour on; what lies open at both ends goes on behind
    the newest known id, where new rows are."""
    newest = max((int(i) for i in known if i.isdecimal()), default=0)
    if gap.before is not None:
        numbers: Iterable[int] = range(gap.before - 1, gap.after or 0, -1)
    else:
        numbers = count((newest if gap.after is None else gap.after) + 1)
    return (str(n) for n in numbers if str(n) not in known)


class _Questions:
    """As many lists as are left."""

    def __init__(self, ask: Ask, left: int) -> None:
        self._ask = ask
        self._left = left

    def among(self, ids: Iterable[str], wanted: int) -> dict[str, FixTheData]:
        """At most `wanted` of the ids that are refused, with the refusal."""
        found: dict[str, FixTheData] = {}
        rest = iter(ids)
        while len(found) < wanted and self._left > 0 and (part := list(islice(rest, LIST))):
            self._left -= 1
            found |= self._halved(part, wanted - len(found))
        return found

    def _halved(self, ids: Sequence[str], wanted: int) -> dict[str, FixTheData]:
        if wanted < 1 or not ids or (refusal := self._ask(ids)) is None:
            return {}
        if len(ids) == 1:
            return {ids[0]: refusal}
        half = len(ids) // 2
        first = self._halved(ids[:half], wanted)
        return first | self._halved(ids[half:], wanted - len(first))
