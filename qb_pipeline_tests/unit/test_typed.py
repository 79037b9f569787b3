"""Words within quotes as a shell reads them."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.situations import Situation
from qb_pipeline.typed import quoted

ODD = ["Acme Builders", "O'Brien", 'O\'Brien & "Söhne"', "it's $HOME `id` \\ !", "a\nb", "\U0001f600 \u05d0\u05d1"]


@given(st.text())
def test_a_shell_reads_back_the_word_that_was_quoted(word: str) -> None:
    assert shlex.split(f"--company {quoted(word)}") == ["--company", word]


def test_a_real_shell_reads_back_names_with_quotes_and_dollars() -> None:
    words = " ".join(map(quoted, ODD))
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {words}"], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == ODD


@pytest.mark.parametrize(("name", "typed"), [("Acme", "'Acme'"), ("O'Brien", '"O\'Brien"')])
def test_quotes_are_as_plain_as_the_word_allows(name: str, typed: str) -> None:
    assert quoted(name) == typed


def test_a_fix_may_have_the_company_as_it_is_typed() -> None:
    situation = Situation("x", "X", "It is {company}.", "Run it --company {company_quoted}.")
    name = "A $B 'C'"
    assert situation.fix_of(company=name) == f"Run it --company {shlex.quote(name)}."
