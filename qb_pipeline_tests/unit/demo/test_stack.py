"""The demo's folder and environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qb_pipeline.demo import stack
from qb_pipeline.errors import Misconfigured


def test_a_folder_of_an_earlier_demo_is_wiped(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    stack.clean(home)
    (home / "contractor.sqlite").write_text("old")
    stack.clean(home)
    assert [p.name for p in home.iterdir()] == [".qb-pipeline-demo"]


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.xlsx").write_text("mine")
    with pytest.raises(Misconfigured, match="not a demo's"):
        stack.clean(tmp_path)
    assert (tmp_path / "ledger.xlsx").read_text() == "mine"


def test_the_servers_of_a_killed_demo_are_stopped_by_the_next_one(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    stack.clean(home)
    command = [sys.executable, "-m", "qb_pipeline.sandbox.cli", "contractor", "--port", "0", "--state"]
    with subprocess.Popen([*command, str(home / "contractor.sqlite")], stdout=subprocess.PIPE) as left_over:
        assert left_over.stdout is not None
        assert left_over.stdout.readline()
        (home / "contractor.pid").write_text(str(left_over.pid))
        (home / "quickbooks.pid").write_text(str(os.getpid()))  # a number that another program has got since
        stack.clean(home)
        assert left_over.wait(10) == 0
    assert not (home / "contractor.pid").exists()


def test_no_variable_and_no_env_file_leads_the_demo_to_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QB_DATABASE_URL", "postgresql://somebody@elsewhere/books")
    (tmp_path / ".env").write_text("QB_CLIENT_ID=someone-else\n")
    home = tmp_path / "demo"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    with stack.own_settings(home) as settings:
        assert (settings.home, settings.database_url, settings.client_id) == (home, None, None)
        assert "QB_DATABASE_URL" not in os.environ
    assert os.environ["QB_DATABASE_URL"] == "postgresql://somebody@elsewhere/books"
    assert Path.cwd() == tmp_path
