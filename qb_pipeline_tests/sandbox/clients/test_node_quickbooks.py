"""Everything node-quickbooks offers, unmodified apart from its base addresses: see node/operations.js."""

from __future__ import annotations

import pytest

from qb_pipeline_tests.sandbox.clients.mocha import HERE, run_mocha
from qb_pipeline_tests.sandbox.quickbooks.books import Body

# Group of operations.js and how many operations it must hold at least, so that none is lost unnoticed.
GROUPS = {"Writing": 85, "Finding": 37, "Documents": 35, "Many at once": 3, "Tokens": 2, "Completeness": 1}


@pytest.fixture(scope="module")
def outcomes(sample: Body, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One run of all operations."""
    return run_mocha(sample, tmp_path_factory.mktemp("operations"), HERE / "operations.js")


@pytest.mark.parametrize("group", GROUPS)
def test_every_operation_of_the_library_works_or_is_refused_as_quickbooks_refuses_it(
    outcomes: dict[str, str], group: str
) -> None:
    told = {title: why for title, why in outcomes.items() if title.startswith(f"{group} ")}
    failed = {title: why for title, why in told.items() if why != "passed"}
    assert not failed, "\n".join(f"{title}: {why}" for title, why in failed.items())
    assert len(told) >= GROUPS[group]
