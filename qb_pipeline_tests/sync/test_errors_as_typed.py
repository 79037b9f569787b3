"""`errors` as a person or a script types it: wrong numbers, others' exceptions, hostile names, a reader that leaves."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from qb_pipeline import cli
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline_tests.end_to_end.cli_running import Ended, typed
from qb_pipeline_tests.unit.health import stored

OTHER = "Birch & Sons"
MANY = 2_000
BEYOND = 2**63  # no number of PostgreSQL's


@pytest.fixture
def errors(engine: Engine, database_url: str, tmp_path: Path) -> Callable[..., Ended]:
    """A company whose only exception has number 1, and another one with number 2."""
    for name, realm, number in ((stored.ACME, "1", 1), (OTHER, "2", 2)):
        stored.connect(engine, name, realm)
        stored.report(engine, [stored.problem(number)], name=name)
    own = {"QB_HOME": str(tmp_path), "QB_DATABASE_URL": database_url}
    return lambda *words: typed(tmp_path, own, ["errors", *words])


def kept(engine: Engine) -> list[Reported]:
    with engine.connect() as conn:
        return [e for name in (stored.ACME, OTHER) for e in exceptions.listing(conn, name)]


def states(engine: Engine) -> list[ExceptionState]:
    return [e.state for e in kept(engine)]


@pytest.mark.parametrize("number", [0, 3, BEYOND, 10**30])
def test_a_number_that_no_exception_has_is_refused_in_words(errors: Callable[..., Ended], number: int) -> None:
    for words in (["show"], ["ignore", "1"], ["retry", "1"], ["resolve", "--take", "contractor"]):
        assert f"There is no exception {number}. See" in errors(*words, str(number)).failure()
    assert errors("show", str(number), "--json").document["error"]["code"] == "unknown_exception"


def test_all_that_are_named_are_changed_or_none(errors: Callable[..., Ended], engine: Engine) -> None:
    errors("ignore", "1", "2", "3").failure()
    assert states(engine) == [ExceptionState.OPEN] * 2
    assert errors("ignore", "1", "2", "1", "--json").success().document == {"ignored": 2}
    assert states(engine) == [ExceptionState.IGNORED] * 2


def test_an_exception_of_another_company_is_not_tried_again_for_this_one(
    errors: Callable[..., Ended], engine: Engine
) -> None:
    said = errors("retry", "1", "2", "--company", OTHER).failure()
    assert f"There is no exception 1 of {OTHER}. See qb-pipeline errors list --company '{OTHER}'." in said
    assert "no company 'Nobody'" in errors("retry", "1", "--company", "Nobody").failure()
    assert states(engine) == [ExceptionState.OPEN] * 2
    said = errors("retry", "2", "--company", OTHER).success().out
    assert said == f"1 will be tried by the next sync: qb-pipeline sync --company '{OTHER}'\n"
    assert [e.next_attempt_at is not None for e in kept(engine)] == [False, True]


def test_a_name_can_not_steer_the_terminal_nor_turn_a_line_round(errors: Callable[..., Ended], engine: Engine) -> None:
    hostile = "\x1b[2J\x07\u202eeman\u2066 [bold]\N{GRINNING FACE} 'q' \"d\"\nnext"
    stored.report(engine, [replace(stored.problem(9), record_label=hostile, cause=f"{hostile} is odd.")])
    for words in (["list"], ["list", "--waiting"], ["show", "3"]):
        said = errors(*words).success().out
        assert "\ufffd[2J\ufffd\ufffdeman\ufffd [bold]\N{GRINNING FACE} 'q' \"d\"\nnext is odd." in said
        assert not set("\x1b\x07\u202e\u2066") & set(said)
    assert errors("show", "3", "--json").success().document["record_label"] == hostile, "a script gets what is stored"


def test_a_command_is_not_broken_in_two_where_a_line_is_long(errors: Callable[..., Ended], engine: Engine) -> None:
    fix = f"{'Look at it well. ' * 9}Then: qb-pipeline review link 1 2 --entity customer."
    stored.report(engine, [replace(stored.problem(9), fix=fix)])
    whole = fix.replace("review link", f"review link --company '{stored.ACME}'")
    for words in (["list"], ["list", "--waiting"], ["show", "3"]):
        assert f"    Fix (office): {whole}\n" in errors(*words).success().out


def test_thousands_of_one_cause_are_listed_once_with_one_command_for_all(
    errors: Callable[..., Ended], engine: Engine
) -> None:
    stored.report(engine, [stored.problem(n, code="refused", cause="The file is closed.") for n in range(MANY)])
    said = errors("list", "--code", "refused").success().out.splitlines()
    assert [line for line in said if "The file is closed." in line] == ["    The file is closed."]
    assert said[-1] == f"    All at once: qb-pipeline errors retry --company '{stored.ACME}' --code refused"
    document = errors("list", "--code", "refused", "--json").success().document
    assert (len(document["errors"]), [len(c["ids"]) for c in document["causes"]]) == (MANY, [MANY])


@pytest.mark.parametrize(
    ("words", "code"), [(["codes"], 141), (["codes", "--json"], 141), (["show", "x", "--json"], 2)]
)
def test_a_reader_that_leaves_is_no_failure_and_hides_none(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out, contextlib.redirect_stdout(out):
        assert cli.run(["errors", *words]) == code, "141 is what a shell says of a command that SIGPIPE ended"
    assert capsys.readouterr().err.count("\n") == (code != 141)
