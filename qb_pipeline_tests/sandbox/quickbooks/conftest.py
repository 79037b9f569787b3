"""One empty sandbox for all tests here; every test gets a company (realm) of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

REALMS = count(9130350000000001000)


@pytest.fixture(scope="session")
def server() -> Iterator[Body]:
    """The first line of a running sandbox."""
    with running() as info:
        yield info


@pytest.fixture
def books(server: Body) -> Books:
    """A fresh company with the usual chart of accounts and nothing else."""
    return open_books(server, str(next(REALMS)))
