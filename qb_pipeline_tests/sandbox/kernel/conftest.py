"""Fixtures: a server per module, tidied before each test, and a webhook receiver."""

from collections.abc import Iterator

import pytest

from qb_pipeline_tests.sandbox.kernel.running import Client, Receiver, contractor


@pytest.fixture(scope="module")
def server() -> Iterator[Client]:
    with contractor() as client:
        yield client


@pytest.fixture
def client(server: Client) -> Client:
    server.control("faults", method="DELETE")
    server.control("limits", {"enforce": False, "time_scale": 1})
    server.control("webhooks", {"deliver": "normal"})
    return server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()
