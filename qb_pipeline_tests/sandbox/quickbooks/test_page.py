"""Every snippet of docs/sandbox.md works as it stands there, against a sandbox with the sample company."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from qb_pipeline.sandbox.quickbooks.company import Switches
from qb_pipeline.sandbox.quickbooks.ui import ACTS
from qb_pipeline_tests.sandbox.clients.packages import node_modules
from qb_pipeline_tests.sandbox.quickbooks.books import running

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8040"
SNIPPETS = re.findall(r"^```(python|bash|js)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(empty=False) as info:
        yield info["base_url"]


@pytest.mark.parametrize(("language", "text"), SNIPPETS, ids=[f"{kind}{n}" for n, (kind, _) in enumerate(SNIPPETS)])
def test_a_snippet_of_the_page_runs(address: str, tmp_path: Path, language: str, text: str) -> None:
    commands = {"python": [sys.executable], "bash": ["bash", "-e"], "js": ["node"]}
    assert ADDRESS in text
    home = node_modules() if language == "js" else tmp_path
    # Beside the clients it requires, under a name of its own.
    script = (home if language == "js" else tmp_path) / f"snippet-{tmp_path.name}.{language}"
    script.write_text(text.replace(ADDRESS, address), encoding="utf-8")
    try:
        done = subprocess.run(
            [*commands[language], str(script)], cwd=home, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        script.unlink()
    assert done.returncode == 0, done.stderr
    assert '"error"' not in done.stdout, done.stdout
    assert '"Fault"' not in done.stdout, done.stdout


def test_the_page_has_snippets_in_three_languages() -> None:
    assert {language for language, _ in SNIPPETS} == {"python", "bash", "js"}


def test_the_page_names_every_switch_with_its_default_and_every_act_of_a_person() -> None:
    for switch in fields(Switches):
        default = str(switch.default).lower() if isinstance(switch.default, bool) else switch.default
        assert f"| `{switch.name}` | `{default}` |" in PAGE
    for act in ACTS:
        assert f"| `{act}` |" in PAGE
