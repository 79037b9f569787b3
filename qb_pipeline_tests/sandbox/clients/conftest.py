"""One sandbox with its sample company for all client tests here; clients are pointed at it, nothing else changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.clients.bodies import Sample
from qb_pipeline_tests.sandbox.clients.pyqb import class_of, connected
from qb_pipeline_tests.sandbox.quickbooks.books import Body, running


@pytest.fixture(scope="module")
def sample() -> Iterator[Body]:
    """The first line of a default sandbox, as `qb-pipeline sandbox quickbooks` starts it; a new one for each module."""
    with running(empty=False) as info:
        yield info


def connection(info: Body) -> dict[str, str]:
    """The environment the libraries' own suites read, with fresh tokens."""
    pair: dict[str, Any] = requests.post(f"{info['base_url']}/_sandbox/token", json={}, timeout=20).json()
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "SANDBOX_URL": info["base_url"],
        "CLIENT_ID": info["client_id"],
        "CLIENT_SECRET": info["client_secret"],
        "COMPANY_ID": info["realm_id"],
        "ACCESS_TOKEN": pair["access_token"],
        "REFRESH_TOKEN": pair["refresh_token"],
    }


@pytest.fixture(scope="module")
def qb(sample: Body) -> Iterator[Any]:
    """python-quickbooks, connected to the sample company."""
    with connected(sample) as client:
        yield client


@pytest.fixture(scope="module")
def names(qb: Any) -> Sample:
    """Finds the sample's records by name, through the library."""

    def find(entity: str, field: str, value: str) -> str:
        return str(class_of(entity).filter(**{field: value}, qb=qb)[0].Id)

    return Sample(find)
