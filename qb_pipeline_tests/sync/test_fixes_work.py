"""Every command that a fix offers is taken by the program for the very exception that offers it."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from qb_pipeline import cli
from qb_pipeline.entities.spec import Side
from qb_pipeline.situations import Situation
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Problem, Reported
from qb_pipeline.sync import refusals, situations
from qb_pipeline_tests.sync.test_catalogue_engine import STORIES
from qb_pipeline_tests.sync.world import COMPANY, World, customer
from qb_pipeline_tests.unit.health.stored import connect

_COMMAND = re.compile(r"qb-pipeline (?:review|errors|plan|sync|connect)\b(?: (?:'[^']*'|(?!if\b)[\w'<>*-]+))*")
_NEEDS_BOTH_SYSTEMS = ("plan", "sync", "connect")  # of these only the wording is checked here
_OFFERING = {s.code: s for s in situations.every() if "qb-pipeline " in s.fix}

# Each way out that a fix offers, as the words its command begins with; what stands in one way is done in turn.
WAYS = [
    ("missing_reference", ["review link"]),
    ("undecided_pair", ["review link"]),
    ("undecided_pair", ["review reject"]),
    ("name_gone", ["review unlink", "review link"]),
    ("linked_elsewhere", ["review unlink", "review link"]),
    ("linked_elsewhere", ["review reject"]),
    ("copy_taken", ["review unlink", "review link"]),
    ("copy_taken", ["review reject"]),
    ("conflict_{field}", ["errors resolve"]),
    ("fixed_at_creation", ["errors ignore"]),
    ("removed_but_edited", ["errors resolve"]),
    ("undone", ["errors resolve"]),
    ("mass_change", ["plan"]),
    ("mass_change", ["sync"]),
    ("qbo_6430", ["errors retry"]),
    ("qbo_6440", ["errors retry"]),
    ("not_connected", ["connect"]),
    ("redirected", ["connect"]),
]


@pytest.fixture
def office(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world as the command line sees it."""
    connect(world.engine, COMPANY)
    monkeypatch.setenv("QB_HOME", str(tmp_path))
    monkeypatch.setenv("QB_DATABASE_URL", world.engine.url.render_as_string(hide_password=False))
    return world


def excepted(office: World, code: str) -> Reported:
    """The exception of the code, as its story leads to it; of a code of QuickBooks' or the connection's, put down."""
    situation = _OFFERING[code]
    if code in STORIES:
        STORIES[code](office)
    else:
        report(office, situation)
    return next(e for e in office.open_exceptions() if situations.find(e.code) is situation)


def report(office: World, situation: Situation) -> None:
    fix = situation.fix_of(company=COMPANY).replace("NAME ", f"{COMPANY} ").replace("ADDRESS", "https://new.example")
    problem = Problem(
        "customer", Side.QUICKBOOKS, "1", situation.code, situation.title, "It is so.", fix, situation.who, False
    )
    with office.engine.begin() as conn:
        exceptions.report(conn, COMPANY, [problem])


def commands(office: World, one: Reported) -> list[list[str]]:
    """The commands of a fix in the order in which they stand; where it says B, of a record that is there."""
    found = [shlex.split(text)[1:] for text in _COMMAND.findall(one.fix)]
    return [[another(office, one) if word == "B" else word for word in words] for words in found]


def another(office: World, one: Reported) -> str:
    """The id of a record in QuickBooks that is linked to nothing."""
    made = office.quickbooks.add(one.entity, **customer("Another Name"))
    office.run_only_reading()
    return made


def way(offered: list[list[str]], begin: list[str]) -> list[list[str]]:
    """For each of these beginnings the first command of the fix that has it."""
    chosen = []
    for words in begin:
        chosen.append(next(c for c in offered if c not in chosen and " ".join(c).startswith(words)))
    return chosen


@pytest.mark.parametrize(("code", "begin"), WAYS, ids=lambda x: x if isinstance(x, str) else "+".join(x))
def test_what_a_fix_says_to_type_is_accepted(
    office: World, code: str, begin: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one = excepted(office, code)
    for words in way(commands(office, one), begin):
        only_wording = ["--help"] if words[0] in _NEEDS_BOTH_SYSTEMS else []
        assert cli.run([*words, *only_wording]) == 0, f"{' '.join(words)}: {capsys.readouterr().err} {one.fix}"


def test_no_command_of_a_fix_is_left_untried() -> None:
    assert {code for code, _ in WAYS} == set(_OFFERING)
    for code, situation in _OFFERING.items():
        told = [m.split()[1:] for m in _COMMAND.findall(situation.fix.replace("{", "").replace("}", ""))]
        tried = [words for c, begin in WAYS if c == code for words in begin]
        for words in told:
            assert any(" ".join(words).startswith(t) for t in tried), f"{code}: {' '.join(words)}"


@pytest.mark.parametrize("code", ["conflict_{field}", "removed_but_edited", "undone"])
def test_either_side_can_be_taken_where_a_fix_offers_a_choice(office: World, code: str) -> None:
    one = excepted(office, code)
    assert f"errors resolve {one.id} --take contractor (or quickbooks)" in one.fix
    assert cli.run(["errors", "resolve", str(one.id), "--take", "quickbooks"]) == 0


def test_a_choice_of_sides_is_offered_where_it_can_be_made_and_nowhere_else() -> None:
    offered = {s.code for s in situations.every() if "--take" in s.fix}
    assert offered == {s.code for s in situations.every() if refusals.asks(s.code)} != set()


def test_a_frozen_record_is_not_settled_by_choosing_a_side_and_says_what_does_settle_it(
    office: World, capsys: pytest.CaptureFixture[str]
) -> None:
    said = STORIES["frozen"](office)
    assert said is not None
    [linked] = office.links("invoice").items()
    problem = Problem(
        "invoice", Side.QUICKBOOKS, str(linked[1]), said.code, said.title, said.cause, said.fix, said.who, False
    )
    with office.engine.begin() as conn:
        [number] = exceptions.report(conn, COMPANY, [problem])
    assert cli.run(["errors", "resolve", str(number), "--take", "quickbooks"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "is not settled by choosing a side" in told
    assert f"Its fix is: {said.fix}" in told


@pytest.mark.parametrize("act", ["retry", "ignore"])
def test_every_exception_may_be_retried_or_ignored_by_its_number(office: World, act: str) -> None:
    numbered = [replace(_any(), code=s.code, record_id=str(n)) for n, s in enumerate(situations.every())]
    with office.engine.begin() as conn:
        ids = exceptions.report(conn, COMPANY, numbered)
    assert cli.run(["errors", act, *map(str, ids)]) == 0
    wanted = ExceptionState.IGNORED if act == "ignore" else ExceptionState.OPEN
    assert {e.state for e in office.open_exceptions()} == {wanted}


def _any() -> Problem:
    return Problem("customer", Side.QUICKBOOKS, "1", "x", "It is so", "It is so.", "Mend it.", "office", False)


def test_a_number_of_a_question_that_is_asked_anew_leads_to_the_new_one(
    office: World, capsys: pytest.CaptureFixture[str]
) -> None:
    old = excepted(office, "conflict_{field}")
    [twin] = office.quickbooks.live("customer")
    office.quickbooks.edit("customer", twin, notes="right again")
    office.run()
    [new] = office.open_exceptions()
    for act in (["errors", "resolve", str(old.id), "--take", "contractor"], ["errors", "ignore", str(old.id)]):
        assert cli.run(act) == 1
        told = " ".join(capsys.readouterr().err.split())
        assert f"Exception {old.id} is over: its record was changed, and {new.id} takes its place" in told
        assert "QuickBooks says 'right again'" in told
    assert cli.run(["errors", "resolve", str(new.id), "--take", "contractor"]) == 0
