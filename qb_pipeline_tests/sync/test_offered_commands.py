"""What a fix offers to type can be typed as it is shown, with one company and with two."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import Misconfigured
from qb_pipeline.notify import digest
from qb_pipeline.store import candidates
from qb_pipeline.store.candidates import CERTAIN, Proposal
from qb_pipeline.sync.offered import completing, refusing
from qb_pipeline_tests.end_to_end.cli_running import Ended, typed
from qb_pipeline_tests.unit.health import stored

LINK = "qb-pipeline review link 1 2 --entity customer"
RETRY = "qb-pipeline errors retry --code taken"
FIX = f"Same: {LINK}. If not: {RETRY}."
FOR_ACME = FIX.replace("review link", "review link --company 'Acme'").replace("retry", "retry --company 'Acme'")


def test_offered_commands_name_the_company_where_there_are_several(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    environment = {"QB_HOME": str(tmp_path), "QB_DATABASE_URL": database_url}
    stored.connect(engine)
    stored.report(engine, [replace(stored.problem(1), fix=FIX)])

    def shown() -> set[str]:
        """The fix as the listings, the page of the one exception and the mail have it."""
        commands = (["list"], ["list", "--waiting"], ["show", "1"])
        texts = [typed(tmp_path, environment, ["errors", *words]).success().out for words in commands]
        said = {line.strip().removeprefix("Fix (office): ") for t in texts for line in t.splitlines() if "Fix" in line}
        with engine.connect() as conn:
            new = digest.new(conn, stored.ACME, stored.NOON - timedelta(days=1), stored.NOON)
        assert new, "the mail is about it"
        return said | {each.fix for each in new}

    assert shown() == {FIX}
    stored.connect(engine, "Birch & Sons", "2")
    assert shown() == {FOR_ACME}
    assert "There are 2 companies" in typed(tmp_path, environment, shlex.split(LINK)[1:]).failure()
    link, retry = (c.split(". ")[0].rstrip(".") for c in FOR_ACME.split("qb-pipeline ")[1:])
    assert "shows no customer 1" in typed(tmp_path, environment, shlex.split(link)).failure()
    assert "1 will be tried" in typed(tmp_path, environment, shlex.split(retry)).success().out


SECOND = 'Birch & "O\'Hara" $5'
OF_SECOND = f"--company {shlex.quote(SECOND)}"


@pytest.fixture
def commands(engine: Engine, database_url: str, tmp_path: Path) -> Callable[..., Ended]:
    """One company with a pair to decide about; what is typed."""
    stored.connect(engine)
    with engine.begin() as conn:
        candidates.propose(conn, stored.ACME, [Proposal("customer", "1", "2", "name", CERTAIN, ["name"])])
    own = {"QB_HOME": str(tmp_path), "QB_DATABASE_URL": database_url}
    return lambda *words: typed(tmp_path, own, words)


def test_the_review_list_says_how_to_decide_for_each_company(commands: Callable[..., Ended], engine: Engine) -> None:
    said = commands("review", "list").success().out
    assert "Decide with qb-pipeline review link A B, or qb-pipeline review reject A B, or all at once:" in said
    stored.connect(engine, SECOND, "2")
    with engine.begin() as conn:
        candidates.propose(conn, SECOND, [Proposal("customer", "3", "4", "name", CERTAIN, ["name"])])
    said = commands("review", "list").success().out
    for named in ("--company 'Acme'", OF_SECOND):
        assert f"Decide with qb-pipeline review link {named} A B, or qb-pipeline review reject {named} A B" in said


def test_refusals_and_findings_name_the_company_where_there_are_several(
    commands: Callable[..., Ended], engine: Engine
) -> None:
    ways: dict[str, Callable[[], str]] = {
        "See qb-pipeline review list{};": lambda: commands("review", "link", "8", "9", "--company", "Acme").failure(),
        "run qb-pipeline sync{} if": lambda: commands("review", "reject", "1", "2", "--company", "Acme").failure(),
        "See qb-pipeline errors list{}.": lambda: commands("errors", "retry", "9", "--company", "Acme").failure(),
        "or run qb-pipeline sync{}.": lambda: commands("health", "--company", "Acme").out,
        "findings: qb-pipeline health{})": lambda: commands("status", "--company", "Acme").success().out,
    }
    for text, say in ways.items():
        assert text.format("") in say()
    stored.connect(engine, SECOND, "2")
    for text, say in ways.items():
        assert text.format(" --company 'Acme'") in say()


def test_a_command_that_names_a_company_or_an_exception_is_left_as_it_is(engine: Engine) -> None:
    stored.connect(engine)
    stored.connect(engine, SECOND, "2")
    with engine.connect() as conn:
        offered = completing(conn)
    whole = "qb-pipeline sync --allow-mass-change --company 'X'; qb-pipeline errors retry ID; qb-pipeline connect"
    assert offered(whole, SECOND) == whole
    assert offered("qb-pipeline errors retry --code a", SECOND) == f"qb-pipeline errors retry {OF_SECOND} --code a"
    with pytest.raises(Misconfigured) as refused, refusing(offered, SECOND):
        raise Misconfigured("No.", code="no", fix="Run qb-pipeline sync.")
    assert (refused.value.code, refused.value.fix) == ("no", f"Run qb-pipeline sync {OF_SECOND}.")
