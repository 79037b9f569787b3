"""Intuit's OAuth client for JavaScript, unmodified apart from its addresses: see node/oauth.js."""

from __future__ import annotations

from pathlib import Path

from qb_pipeline_tests.sandbox.clients.mocha import HERE, run_mocha
from qb_pipeline_tests.sandbox.quickbooks.books import Body


def test_intuits_javascript_client_goes_from_consent_to_revocation(sample: Body, tmp_path: Path) -> None:
    told = run_mocha(sample, tmp_path, HERE / "oauth.js")
    failed = {title: why for title, why in told.items() if why != "passed"}
    assert not failed, "\n".join(f"{title}: {why}" for title, why in failed.items())
    assert len(told) == 8
