"""Runs a mocha file of a JavaScript client against a sandbox, in a process of its own.

Invariant: the clients are the published packages, unmodified; preload.js moves their base addresses and no more.

    run_mocha(info, folder, file) -> {"Query should fetch Accounts": "passed", ...}
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import requests

from qb_pipeline_tests.sandbox.clients.conftest import connection
from qb_pipeline_tests.sandbox.clients.packages import node_modules
from qb_pipeline_tests.sandbox.quickbooks.books import Body

HERE = Path(__file__).parent / "node"


def run_mocha(info: Body, folder: Path, file: Path) -> dict[str, str]:
    """Every test by its full title: "passed", or how it failed. `folder` is where mocha runs and reports."""
    home, report = node_modules(), folder / "report.json"
    found: dict[str, str] = requests.get(info["discovery_url"], timeout=20).json()
    environment = {
        **connection(info),
        "CLIENTS_HOME": str(home),
        "NODE_PATH": str(home / "node_modules"),
        "AUTHORIZE_URL": found["authorization_endpoint"],
        "JWKS_URL": found["jwks_uri"],
        "TOKEN_URL": found["token_endpoint"],
        "REVOKE_URL": found["revocation_endpoint"],
        "USER_INFO_URL": found["userinfo_endpoint"],
    }
    mocha = home / "node_modules" / "mocha" / "bin" / "mocha.js"
    options = ["--exit", "--require", str(HERE / "preload.js"), "--reporter", "json"]
    done = subprocess.run(
        ["node", str(mocha), *options, "--reporter-option", f"output={report}", str(file)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return outcomes(json.loads(report.read_text()))


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """mocha's own report."""
    return {test["fullTitle"]: test["err"].get("stack", "passed") for test in report["tests"]}
