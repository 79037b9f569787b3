"""python-quickbooks' own integration tests, written against Intuit's sandbox, run unmodified against ours.

The tests come from the source distribution; the library under them is the one the project has installed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from qb_pipeline_tests.sandbox.clients.conftest import connection
from qb_pipeline_tests.sandbox.clients.packages import sdist_tests
from qb_pipeline_tests.sandbox.quickbooks.books import Body

MODULES = (
    "account", "attachable", "bill", "billpayment", "companycurrency", "creditcardpayment_entity", "creditmemo",
    "customer", "department", "deposit", "employee", "estimate", "exchangerate", "invoice", "item", "payment",
    "preferences", "purchase", "purchaseorder", "recurringtransaction", "refundreceipt", "taxagency", "taxcode",
    "taxrate", "taxservice", "term", "timeactivity", "trackingclass", "transfer", "vendor",
)  # fmt: skip
PLUGIN = "qb_pipeline_tests.sandbox.clients.redirect"
# Outcome of each test by module: "passed", or what went wrong.
Outcomes = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def outcomes(sample: Body, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """One run of the whole suite, in its own process and in the suite's own order."""
    folder = tmp_path_factory.mktemp("suite")
    report, suite = folder / "report.xml", sdist_tests("python-quickbooks")
    options = ["-q", "-p", PLUGIN, "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "-W", "ignore"]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(suite), f"--junitxml={report}"]
    done = subprocess.run(
        [*command, "tests/integration"],
        cwd=suite, env=connection(sample), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return read_report(report)


def read_report(report: Path) -> Outcomes:
    """pytest's own report; it is ours, so that parsing it is safe."""
    found: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):  # written by the pytest started above
        module = case.get("classname", "").split(".")[2].removeprefix("test_")
        trouble = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        told = "passed" if trouble is None else f"{trouble.tag}: {trouble.get('message')}\n{trouble.text}"
        found.setdefault(module, {})[case.get("name", "")] = told
    return found


def test_the_suite_holds_the_modules_listed_here(outcomes: Outcomes) -> None:
    assert set(outcomes) == set(MODULES)
    assert sum(map(len, outcomes.values())) == 57


@pytest.mark.parametrize("module", MODULES)
def test_the_librarys_own_tests_pass(outcomes: Outcomes, module: str) -> None:
    assert outcomes[module]
    failed = {name: told for name, told in outcomes[module].items() if told != "passed"}
    assert not failed, "\n".join(f"{name}: {told}" for name, told in failed.items())
