"""The judge: whether two systems agree, and if not, whether somebody was told.

Invariant: nothing here comes from the engine but its links and what it told; both sides are read as they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qb_pipeline_tests.end_to_end.harness import COLLECTION_OF, JUDGED, ContractorDesk, Instance, QuickBooksDesk
from qb_pipeline_tests.end_to_end.harness_views import View
from qb_pipeline_tests.end_to_end.harness_views_contractor import read_contractor
from qb_pipeline_tests.end_to_end.harness_views_quickbooks import read_quickbooks


@dataclass
class Verdict:
    """What is wrong and unexplained, and what is explained, by reason."""

    wrong: list[str] = field(default_factory=list)
    explained: Counter[str] = field(default_factory=Counter)
    agreeing: int = 0


class Judge:
    """Reads everything once and judges each record."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.contractor = read_contractor(ContractorDesk(instance.contractor))
        self.quickbooks = read_quickbooks(QuickBooksDesk(instance.quickbooks))
        self.links = instance.rows("select * from link where contractor_id is not null and quickbooks_id is not null")
        self.matched = {(r["entity"], r["contractor_id"]) for r in self.links if r["match_class"] != "written"}
        self.across = {(r["entity"], r["contractor_id"]): r["quickbooks_id"] for r in self.links}
        self.back = {(r["entity"], r["quickbooks_id"]): r["contractor_id"] for r in self.links}
        self.reasons: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.blocked: dict[str, str] = {}
        self.told_kinds: set[tuple[str, str]] = set()  # an exception about an item's kind explains nothing else of it
        self._read_reasons()
        self.verdict = Verdict()

    def _read_reasons(self) -> None:
        for row in self.instance.rows("select * from exception where state <> 'resolved'"):
            why = f"{row['code']}: {row['cause']}"
            if row["code"] == "fixed_at_creation":
                self.told_kinds.add((row["entity"], row["record_id"]))
            else:
                self.reasons[row["entity"], row["side"], row["record_id"]].append(why)
            self.blocked |= {str(name).casefold(): f"waits for {why}" for name in row["blocks"]}
        for row in self.instance.rows("select * from candidate where decision = 'open'"):
            for side in ("contractor", "quickbooks"):
                self.reasons[row["entity"], side, row[f"{side}_id"]].append("review: may be a pair")
        skipped = "select entity, side, record_id, detail from sync_log where action = 'skipped'"
        for row in self.instance.rows(skipped):
            self.reasons[row["entity"], row["side"], row["record_id"]].append(f"skipped: {row['detail'].get('why')}")

    def judge(self) -> Verdict:
        for entity in JUDGED:
            for view in self.contractor.views[entity].values():
                other = self.quickbooks.views[entity].get(self.across.get((entity, view.id), ""))
                self._judge(entity, view, other)
            for view in self.quickbooks.views[entity].values():
                there = self.back.get((entity, view.id), "")
                if there not in self.contractor.views[entity]:
                    self._judge(entity, None, view)
        self._nothing_open()
        return self.verdict

    def _nothing_open(self) -> None:
        found = self.instance.rows("select * from journal where phase in ('planned', 'sent', 'answered')")
        self.verdict.wrong += [f"journal row {r['id']} of {r['entity']} is still {r['phase']}" for r in found]

    def _judge(self, entity: str, ours: View | None, theirs: View | None) -> None:
        faults = list(self._faults(entity, ours, theirs))
        if not faults:
            self.verdict.agreeing += ours is not None and theirs is not None
            return
        why = self._why(entity, ours, theirs)
        named = f"{entity} {ours.id if ours else '-'}/{theirs.id if theirs else '-'} ({(ours or theirs or ours).title})"  # type: ignore[union-attr]  # one is there
        if why is None:
            self.verdict.wrong += [f"{named}: {fault}" for fault in faults]
        else:
            self.verdict.explained[why.split(":")[0]] += 1

    def _why(self, entity: str, ours: View | None, theirs: View | None) -> str | None:
        ids = {
            "contractor": ours.id if ours else self.back.get((entity, theirs.id if theirs else "")),
            "quickbooks": theirs.id if theirs else self.across.get((entity, ours.id if ours else "")),
        }
        for side, view in (("contractor", ours), ("quickbooks", theirs)):
            if found := self.reasons.get((entity, side, ids[side] or "")):
                return found[0]
            if view is not None and (waits := self._waits(view.title.casefold())):
                return waits
        return None

    def _waits(self, title: str) -> str | None:
        """What a record is said to wait for; a list of names may show the beginning of a long one."""
        told = (why for name, why in self.blocked.items() if name.endswith("…") and title.startswith(name[:-1]))
        return self.blocked.get(title) or next(told, None)

    def _faults(self, entity: str, ours: View | None, theirs: View | None) -> Iterable[str]:
        left, right = ours.state if ours else "gone", theirs.state if theirs else "gone"
        ended = {"gone", "void", *(("inactive",) if ours and theirs else ())}
        if left == "draft":
            return
        if left in ("gone", "void") and right in ended:
            return
        if left == right == "inactive" or left == right == "live":
            assert ours is not None
            assert theirs is not None
            yield from self._differences(entity, ours, theirs)
            return
        if left in ended and right in ended and "inactive" not in (left, right):
            return
        yield f"{left} for the contractor, {right} in QuickBooks"

    def _differences(self, entity: str, ours: View, theirs: View) -> Iterable[str]:
        mine = {k: self._translated(v) for k, v in ours.values.items()}
        for name, value in theirs.values.items():
            # An item's kind is set when it is created and not compared for items that existed on both sides.
            if name == "called" or (name == "kind" and (entity, ours.id) in self.matched):
                continue
            same = Counter(mine[name]) == Counter(value) if isinstance(value, list) else mine[name] == value
            if name == "kind" and (entity, theirs.id) in self.told_kinds:
                self.verdict.explained["fixed_at_creation"] += 1
                if same:
                    yield f"kind is said to differ, and is {value!r} on both sides"
            elif not same:
                yield f"{name} is {mine[name]!r} for the contractor, {value!r} in QuickBooks"

    def _translated(self, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and value[0] in COLLECTION_OF:
            return (value[0], self.across.get(value, f"{value[1]}, unlinked"))
        if isinstance(value, tuple | list):
            return type(value)(self._translated(v) for v in value)
        return value


def copies(judge: Judge, entered: Mapping[str, set[tuple[str, str]]]) -> list[str]:
    """Records no person entered that are not the one counterpart of a record a person entered on the other side."""
    wrong = []
    for side, books, links in (
        ("contractor", judge.contractor, judge.back),
        ("quickbooks", judge.quickbooks, judge.across),
    ):
        other = "quickbooks" if side == "contractor" else "contractor"
        partners = {(entity, there): (entity, here) for (entity, here), there in links.items()}
        for entity in JUDGED:
            for record_id in books.views[entity]:
                if (entity, record_id) in entered[side]:
                    continue
                if partners.get((entity, record_id)) not in entered[other]:
                    wrong.append(f"nobody entered {entity} {record_id} of {side}, and it is nobody's counterpart")
    return wrong
