"""A workbook's decisions, taken over.

Invariant: all of one company's decisions go into one transaction under its lock; when any of any company cannot stand,
nothing at all is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from qb_pipeline.entities import ENTITIES
from qb_pipeline.errors import Misconfigured, PipelineError
from qb_pipeline.reports.review_workbook import Answer, Verdict, unusable
from qb_pipeline.store import candidates, companies
from qb_pipeline.store.candidates import Decision
from qb_pipeline.store.locks import company_lock
from qb_pipeline.sync import reviewing
from qb_pipeline.sync.offered import completing

_DECISIONS = {Verdict.SAME: Decision.LINKED, Verdict.DIFFERENT: Decision.REJECTED}


@dataclass
class Taken:
    """What an import did; `known` counts the answers given before."""

    linked: int = 0
    kept_apart: int = 0
    known: int = 0


def apply(engine: Engine, path: Path, answers: Sequence[Answer], lock_wait: float) -> Taken:
    """Take every answer over. `Misconfigured` names each row that cannot stand."""
    by_company: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_company[answer.company].append(answer)
    done, wrong = Taken(), list[str]()
    with ExitStack() as locks:
        for company in sorted(by_company):
            locks.enter_context(company_lock(engine, company, lock_wait))
        with engine.begin() as conn:
            known = {c.name for c in companies.listing(conn)}
            for company, own in sorted(by_company.items()):
                if company not in known:
                    wrong.append(f"row {own[0].row}: there is no company {company}")
                    continue
                wrong += _take_over(conn, company, own, done)
            if wrong:
                raise unusable(path, wrong)
    return done


def _take_over(conn: Connection, company: str, answers: Sequence[Answer], done: Taken) -> list[str]:
    decided = {
        reviewing.pair_of(c): c.decision
        for c in candidates.listing(conn, company, decision=None)
        if c.decision is not Decision.OPEN
    }
    wrong = []
    for answer in answers:
        earlier = decided.get(answer.pair)
        if earlier is _DECISIONS[answer.verdict]:
            done.known += 1
        elif earlier is not None:
            wrong.append(f"row {answer.row}: the pair has been {earlier.value} meanwhile")
        else:
            wrong += _one(conn, company, answer, done)
    return wrong


def _one(conn: Connection, company: str, answer: Answer, done: Taken) -> list[str]:
    if answer.pair.entity not in ENTITIES:
        return [f"row {answer.row}: there is no entity {answer.pair.entity}"]
    try:
        if answer.verdict is Verdict.SAME:
            reviewing.link(conn, company, answer.pair)
            done.linked += 1
        else:
            reviewing.keep_apart(conn, company, answer.pair)
            done.kept_apart += 1
    except Misconfigured as error:
        return [f"row {answer.row}: {completing(conn)(_sentence(error), company)}"]
    return []


def _sentence(error: PipelineError) -> str:
    return str(error).rstrip(".")
