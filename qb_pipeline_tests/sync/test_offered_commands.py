"""What a fix offers to type can be typed as it is shown, with one company and with two."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from qb_pipeline.notify import digest
from qb_pipeline_tests.end_to_end.cli_running import typed
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
