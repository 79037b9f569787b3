"""Signatures, patience with forgers, consents under way, and the metrics' text."""

from __future__ import annotations

from pathlib import Path

import pytest

from qb_pipeline.console.answering import Patience
from qb_pipeline.console.exposition import Counter, Histogram, family, text_of
from qb_pipeline.console.pending import LASTS, Asked, Pending
from qb_pipeline.console.signatures import intuit_signed, signers
from qb_pipeline.contractor.systems import load_system
from qb_pipeline.errors import FixTheData
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.sync.connecting import Wanted
from qb_pipeline_tests.unit.console.running import intuit, reference


def test_intuits_signature_fits_with_any_of_the_tokens_and_the_very_bytes_only() -> None:
    given = intuit(b'{"a": 1}', "two")
    assert intuit_signed(b'{"a": 1}', given, ["one", "two"])
    assert not intuit_signed(b'{"a":1}', given, ["one", "two"])
    assert not intuit_signed(b'{"a": 1}', given, ["one"])
    assert not intuit_signed(b"", intuit(b"", ""), ["", "one"])
    assert not intuit_signed(b"", "\xfc", ["one"])


def test_signers_are_all_companies_whose_secret_fits() -> None:
    shape = load_system("reference").webhook
    assert shape is not None
    headers = {"x-signature": reference(b"[]", "same")}
    assert signers(shape, headers, b"[]", {"a": "same", "b": "other", "c": "same", "d": ""}) == ["a", "c"]
    assert signers(shape, {}, b"[]", {"a": "same"}) == []


def test_patience_ends_after_the_limit_and_comes_back_after_a_minute() -> None:
    clock = [0.0]
    patience = Patience(3, lambda: clock[0])
    assert [patience.note("a") for _ in range(5)] == [True, True, True, False, False]
    assert patience.exhausted("a")
    assert patience.note("b")
    clock[0] = 60.0
    assert not patience.exhausted("a")
    assert patience.note("a")


def test_patience_remembers_no_more_addresses_than_fit() -> None:
    clock = [0.0]
    patience = Patience(1, lambda: clock[0])
    for n in range(10_050):
        patience.note(f"a{n}")
    assert len(patience._refusals) == 10_000
    assert patience.exhausted("a10049")


@pytest.fixture
def clock() -> list[float]:
    return [1e9]


@pytest.fixture
def pending(tmp_path: Path, clock: list[float]) -> Pending:
    return Pending(tmp_path / "consents", Sealer(b"k" * 32), now=lambda: clock[0])


ASKED = Asked("Acme", Wanted("reference", "http://there", "a-secret-key"))


def test_a_consent_is_remembered_sealed_and_taken_once(pending: Pending, tmp_path: Path) -> None:
    state = pending.ask(ASKED)
    (kept,) = (tmp_path / "consents").iterdir()
    assert b"a-secret-key" not in kept.read_bytes()
    assert state not in kept.name
    assert kept.stat().st_mode & 0o777 == 0o600
    assert pending.take(state) == ASKED
    with pytest.raises(FixTheData, match="used already"):
        pending.take(state)


def test_a_consent_that_comes_too_late_is_refused_and_old_ones_are_dropped(
    pending: Pending, clock: list[float], tmp_path: Path
) -> None:
    state = pending.ask(ASKED)
    clock[0] += LASTS + 1
    with pytest.raises(FixTheData, match="later than 10 minutes"):
        pending.take(state)
    pending.ask(ASKED)
    clock[0] = 4e9
    pending.ask(ASKED)
    assert len(list((tmp_path / "consents").iterdir())) == 1


@pytest.mark.parametrize("state", ["", "../token.key", "\ud800", "x" * 10_000])
def test_a_state_nobody_asked_with_is_refused(pending: Pending, state: str) -> None:
    with pytest.raises(FixTheData, match="was not asked for here"):
        pending.take(state)


def test_the_text_of_metrics_is_what_prometheus_reads() -> None:
    counter, seconds = Counter("c_total", "Things.", ("what",)), Histogram("h_seconds", "Time.", ("r",), (0.1, 1.0))
    counter.add('a"b\\c\nd')
    counter.add("x", by=2)
    for took in (0.1, 0.5, 7):
        seconds.observe(took, "/")
    gauge = family("g", "gauge", "Now.", (), {(): 0.5})
    assert text_of([*counter.lines(), *seconds.lines(), *gauge]).splitlines() == [
        "# HELP c_total Things.",
        "# TYPE c_total counter",
        r'c_total{what="a\"b\\c\nd"} 1',
        'c_total{what="x"} 2',
        "# HELP h_seconds Time.",
        "# TYPE h_seconds histogram",
        'h_seconds_bucket{r="/",le="0.1"} 1',
        'h_seconds_bucket{r="/",le="1"} 2',
        'h_seconds_bucket{r="/",le="+Inf"} 3',
        'h_seconds_sum{r="/"} 7.6',
        'h_seconds_count{r="/"} 3',
        "# HELP g Now.",
        "# TYPE g gauge",
        "g 0.5",
    ]
