"""Seeded schedules: two offices at work, bad weather between the systems, crashes, and then quiet.

Invariant: one seed is one schedule; after quiet both sides agree on every owned field or somebody was told, nothing
exists twice, no write stays unsettled, and further runs write nothing, as the servers' own logs have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

from requests import HTTPError

from qb_pipeline_tests.end_to_end.harness import Instance, Raw, Refused, Sandbox
from qb_pipeline_tests.end_to_end.harness_editor import ACTS, Editor
from qb_pipeline_tests.end_to_end.harness_judge import Judge, copies
from qb_pipeline_tests.end_to_end.harness_views import View
from qb_pipeline_tests.faults.indoors import indoor_stage
from qb_pipeline_tests.faults.post import LEGACY, MIXED, post_office, subscribe
from qb_pipeline_tests.faults.stage import Run, stage

_MERGED = {"Customer": "customer", "Item": "item", "Class": "division"}
_WEATHER: tuple[Raw, ...] = (
    {"action": "drop_after"},
    {"action": "drop_before"},
    {"action": "status", "status": 500},
    {"action": "status", "status": 429, "seconds": 1},  # Retry-After; without it Intuit means a minute
    {"action": "status", "status": 503, "when": "after"},
    {"action": "delay", "seconds": 0.02},
)
_LOST_POST: tuple[Raw, ...] = (
    {"action": "webhook_lost"},
    {"action": "webhook_doubled"},
    {"action": "webhook_delayed", "seconds": 0.3},
    {"action": "webhook_shuffled", "seconds": 0.2},
)
_HASTE = 100  # waits that the servers ask for, and theirs before they deliver again, are shorter by so much
_DELIVERIES = ("normal", "normal", "duplicate", "shuffle", "drop")


class Offices(Editor):
    """The two offices, in which people also merge names and bring payments to the bank."""

    def __init__(self, instance: Instance, seed: int) -> None:
        super().__init__(instance, seed)
        self.merges = 0
        self.bereft: dict[tuple[str, str], datetime] = {}  # whose twin in QuickBooks was merged away, and when

    def merge_names(self) -> None:
        """Two names become one in QuickBooks; only a person can do that."""
        name = self.random.choice(list(_MERGED))
        rows = [r for r in self.there(name) if r["Active"] and not r.get("Job") and not r.get("ParentRef")]
        if len(rows) < 2:
            raise Refused(f"there are no two of {name} to merge")
        loser, winner = self.random.sample(rows, 2)
        self.say(f"quickbooks: merge {name} {loser['Id']} into {winner['Id']}")
        self._at_the_screen({"act": "merge", "entity": name, "from": loser["Id"], "into": winner["Id"]})
        self.merges += 1
        self._bereave(_MERGED[name], loser["Id"])
        self._stands_for(_MERGED[name], winner["Id"], loser["Id"])

    def _bereave(self, entity: str, loser: str) -> None:
        for link in self.instance.rows("select * from link where contractor_id is not null"):
            if (link["entity"], link["quickbooks_id"]) == (entity, loser):
                self.bereft[entity, link["contractor_id"]] = datetime.now(UTC)

    def _stands_for(self, entity: str, winner: str, loser: str) -> None:
        """What a person entered goes on under the other's id, whoever made that one."""
        if (entity, loser) in self.entered["quickbooks"]:
            self.entered["quickbooks"].add((entity, winner))

    def deposit(self) -> None:
        """A payment goes to the bank, and is not to be touched any more."""
        one = self.pick(self.there("Payment"))
        self.say(f"quickbooks: deposit payment {one['Id']}")
        self._at_the_screen({"act": "deposit", "payments": [one["Id"]]})

    def _at_the_screen(self, act: Raw) -> None:
        try:
            self.quickbooks.sandbox.control("ui", act)
        except HTTPError as refused:
            raise Refused(refused.response.text[:300]) from refused

    def busy(self, acts: int) -> None:
        """So many acts, anywhere."""
        for act in self.random.choices([a for a, _ in _ACTS], [w for _, w in _ACTS], k=acts):
            self._try(act)  # type: ignore[arg-type]  # acts of the offices need what only they can do


_ACTS = [*ACTS, (Offices.merge_names, 3), (Offices.deposit, 2)]


@dataclass
class Played:
    """What came of one schedule: `wrong` is empty where every promise was kept."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class AnyStage(Protocol):
    """Processes or one process: what a schedule needs of its stage."""

    @property
    def instance(self) -> Instance: ...
    @property
    def boxes(self) -> Sequence[Sandbox]: ...
    def remember(self, moment: str) -> None: ...
    def back_to(self, moment: str) -> None: ...
    def run(self, *, stop: int | None = None, webhooks: bool = False) -> Run: ...
    def until_quiet(self, attempts: int = 5) -> list[Run]: ...
    def delivered(self) -> None: ...


@dataclass
class Performance:
    """One schedule under way."""

    stage: AnyStage
    offices: Offices
    played: Played

    def disturb_the_post(self, random: Random) -> None:
        """People work, and what is told of it may be lost, doubled, late or in another order."""
        self._arm(random, _LOST_POST, _DELIVERIES)

    def run(self, random: Random, *, webhooks: bool, stop: int | None) -> None:
        """A sync or a look at the webhooks in bad weather, killed at the edge `stop`."""
        if webhooks:
            self.stage.delivered()
        self._arm(random, _WEATHER, ("normal",))
        done = self.stage.run(stop=stop, webhooks=webhooks)
        self.played.told.append(f"-- {'webhooks' if webhooks else 'sync'}, stop at {stop}: {done.told()}")
        self.played.counts.update(runs=1, kills=done.killed, failures=done.code not in (0, -9))
        if "Traceback" in done.log or '"unexpected"' in done.log:
            self.played.wrong.append(f"a run ended in a way nobody foresaw: {done.log[-1500:]}")
        self.calm()

    def calm(self) -> None:
        """No more faults, and what waits for its next attempt is due."""
        for box in self.stage.boxes:
            box.control("faults", method="DELETE")
        self.stage.instance.rows(
            "update exception set next_attempt_at = now() where next_attempt_at is not null returning id"
        )

    def end(self, further: int = 1) -> Played:
        """Quiet: both sides agree or somebody was told, and `further` runs write nothing."""
        played, offices = self.played, self.offices
        played.wrong += self._rest(further) or self._judged()
        played.counts.update(edits=sum(offices.done.values()), merges=offices.merges)
        played.told += offices.journal
        return played

    def _arm(self, random: Random, faults: Sequence[Raw], deliveries: Sequence[str]) -> None:
        """Some faults on order in both servers; people at their desks meet none of those of the data service."""
        for box in self.stage.boxes:
            extra = ({"action": "expire_token"},) if box.kind == "quickbooks" and faults is _WEATHER else ()
            chosen = random.sample([*faults, *extra], random.randint(0, 3))
            box.control("faults", method="DELETE")
            box.control("webhooks", {"deliver": random.choice(deliveries)})
            box.control("faults", [
                {**rule, "match": {}, "probability": random.choice((0.05, 0.3)), "times": random.randint(1, 3),
                 "seed": random.randrange(10**6)}
                for rule in chosen
            ])  # fmt: skip

    def _rest(self, further: int) -> list[str]:
        try:
            self.played.counts.update(runs_to_rest=len(self.stage.until_quiet(7)))
        except AssertionError as restless:
            return [str(restless)]
        later = [self.stage.run() for _ in range(further)]
        return [f"not at rest: {run.told()}\n{run.log[-1500:]}" for run in later if run.writes or run.code]

    def _judged(self) -> list[str]:
        judge = MergeAwareJudge(self.stage.instance, self.offices.bereft)
        known = {side: set(ids) for side, ids in self.offices.entered.items()}
        for side, entity, record_id in judge.twins:
            known.setdefault(side, set()).add((entity, record_id))
        for side, books in (("contractor", judge.contractor), ("quickbooks", judge.quickbooks)):
            # What is gone is no copy, though a merge may have given its counterpart to another.
            gone = {(e, v.id) for e, views in books.views.items() for v in views.values() if v.state == "gone"}
            known.setdefault(side, set()).update(gone)
        return judge.judge().wrong + copies(judge, known)


@dataclass(frozen=True)
class Theatre:
    """Two offices that agree, and the post between them, to start every schedule from."""

    stage: AnyStage
    address: str
    entered: dict[str, set[tuple[str, str]]]

    def begin(self, seed: int, formats: tuple[str, ...]) -> Performance:
        """The same start every time."""
        self.stage.back_to("open")
        for box in self.stage.boxes:
            box.control("limits", {"enforce": False, "time_scale": _HASTE})
        subscribe(self.stage.instance, self.address, formats)
        offices = Offices(self.stage.instance, seed)
        offices.entered = deepcopy(self.entered)
        return Performance(self.stage, offices, Played(seed))

    def play(self, seed: int) -> Played:
        """One schedule."""
        random = Random(seed)
        under_way = self.begin(seed, random.choice((LEGACY, MIXED)))
        for _ in range(random.randint(1, 3)):
            under_way.disturb_the_post(random)
            under_way.offices.busy(random.randint(3, 14))
            under_way.run(random, webhooks=random.random() < 0.5, stop=random.choice((None, random.randint(1, 120))))
        return under_way.end()


class MergeAwareJudge(Judge):
    """Knows which records lost their twin by a merge in QuickBooks, and when: they stand for the survivor, or are out
    of use, but never by a write of ours."""

    def __init__(self, instance: Instance, bereft: Mapping[tuple[str, str], datetime]) -> None:
        super().__init__(instance)
        self.bereft = bereft
        removal = "(operation in ('void', 'delete') or intended->>'active' = 'false')"
        self.removals = instance.rows(f"select * from journal where side = 'contractor' and {removal}")
        twins = instance.rows("select entity, loser_id, survivor_id from alias where side = 'contractor'")
        self.twins = {("contractor", r["entity"], r["loser_id"]) for r in twins}
        for row in twins:
            survivor = self.across.get((row["entity"], row["survivor_id"]))
            if survivor is not None:
                self.across[row["entity"], row["loser_id"]] = survivor

    def _faults(self, entity: str, ours: View | None, theirs: View | None) -> Iterable[str]:
        yield from super()._faults(entity, ours, theirs)
        if ours is not None and theirs is None and ours.state == "gone" and self._removed_by_us(entity, ours.id):
            yield "deleted by us for want of its twin, which was merged"

    def _why(self, entity: str, ours: View | None, theirs: View | None) -> str | None:
        if ours is not None and ours.state != "live" and not self._removed_by_us(entity, ours.id):
            if ("contractor", entity, ours.id) in self.twins:
                return "merged: its twin stands for it"  # which is what the exception about the two had asked for
            if theirs is None and (entity, ours.id) in self.bereft:
                return "merged: neither is in use any more"
        return super()._why(entity, ours, theirs)

    def _removed_by_us(self, entity: str, contractor_id: str) -> bool:
        """Whether a write that we planned after its twin was merged took it out of use."""
        since = self.bereft.get((entity, contractor_id))
        return since is not None and any(
            (r["entity"], r["target_id"]) == (entity, contractor_id) and r["planned_at"] > since for r in self.removals
        )


@contextmanager
def theatre(folder: Path, template_url: str, name: str, *, indoors: bool = False) -> Iterator[Theatre]:
    """Two offices with names and documents that both sides hold; `indoors`: in one process, far quicker."""
    made: AbstractContextManager[AnyStage] = (indoor_stage if indoors else stage)(folder, template_url, name)
    with made as on:
        offices = Offices(on.instance, 0)
        offices.settle_in()
        on.until_quiet()
        on.remember("open")
        with post_office(on.instance) as address:
            yield Theatre(on, address, offices.entered)
