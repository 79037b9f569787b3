"""The limits of the accounting API once they are enforced. Time is the sandbox's clock, so nobody waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running

REALM = iter(range(6_000, 7_000))
OFF: Body = {"enforce": False, "time_scale": 1, "retry_after": False, "latency_seconds": 0}


@pytest.fixture(scope="module")
def own() -> Iterator[Body]:
    """A server of its own, whose limits the tests may enforce."""
    with running() as info:
        yield info


@pytest.fixture
def books(own: Body) -> Iterator[Books]:
    """A fresh company under enforced limits."""
    found = open_books(own, str(next(REALM)))
    limits(found, OFF | {"enforce": True})
    yield found
    limits(found, OFF)


def limits(books: Books, wanted: Body) -> Body:
    answer = requests.post(f"{books.base}/_sandbox/limits", json=wanted, timeout=10)
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def refused_by(books: Books) -> dict[str, int]:
    rules = requests.get(f"{books.base}/_sandbox/limits", timeout=10).json()["rules"]
    return {rule["name"]: rule["refused"] for rule in rules}


def advance(books: Books, seconds: float) -> None:
    requests.post(f"{books.base}/_sandbox/clock", json={"advance_seconds": seconds}, timeout=10).raise_for_status()


def in_gentle_steps(books: Books, call: Callable[[], int], count: int) -> list[int]:
    """The statuses of `count` calls, nine in each second of the sandbox's clock."""
    statuses = []
    for number in range(count):
        if number % 9 == 0:
            advance(books, 1.01)
        statuses.append(call())
    return statuses


def read(books: Books) -> int:
    return books.get("preferences")[0]


def test_ten_requests_a_second_pass_for_each_company(books: Books, own: Body) -> None:
    other = open_books(own, str(next(REALM)))
    assert [read(books) for _ in range(12)] == [200] * 10 + [429] * 2
    assert read(other) == 200
    advance(books, 1.01)
    assert read(books) == 200


def test_five_hundred_requests_a_minute_pass(books: Books) -> None:
    before = refused_by(books)["requests per minute and realm"]
    statuses = in_gentle_steps(books, lambda: read(books), 503)
    assert statuses == [200] * 500 + [429] * 3
    assert refused_by(books)["requests per minute and realm"] == before + 3
    advance(books, 60)
    assert read(books) == 200


def test_forty_batches_a_minute_pass_and_other_requests_with_them(books: Books) -> None:
    body = {"BatchItemRequest": [{"bId": "a", "Query": "select count(*) from Customer"}]}
    assert in_gentle_steps(books, lambda: books.post("batch", body)[0], 42) == [200] * 40 + [429] * 2
    assert read(books) == 200
    advance(books, 60)
    assert books.post("batch", body)[0] == 200


def test_two_hundred_reports_a_minute_pass(books: Books) -> None:
    statuses = in_gentle_steps(books, lambda: books.get("reports/TrialBalance")[0], 202)
    assert 429 not in statuses[:200]
    assert statuses[200:] == [429, 429]
    assert read(books) == 200


def test_ten_requests_at_once_pass_when_each_takes_its_time(books: Books) -> None:
    limits(books, {"latency_seconds": 3})
    before = refused_by(books)["requests at once, realm and app"]
    slow: list[int] = []

    def wait() -> None:
        url, headers = f"{books.url}/preferences", dict(books.session.headers)
        slow.append(requests.get(url, headers=headers, timeout=20).status_code)

    threads = [threading.Thread(target=wait) for _ in range(10)]
    for thread in threads:
        thread.start()
    time.sleep(1.2)
    # The window of a second is empty again, so only those still being worked on can refuse.
    advance(books, 2)
    assert read(books) == 429
    assert refused_by(books)["requests at once, realm and app"] == before + 1
    for thread in threads:
        thread.join()
    assert slow == [200] * 10
    advance(books, 2)
    limits(books, {"latency_seconds": 0})
    assert read(books) == 200


def test_the_time_scale_shortens_a_minute(books: Books) -> None:
    limits(books, {"time_scale": 1000})
    statuses = []
    for _ in range(60):
        statuses.append(read(books))
        advance(books, 0.07)
    assert statuses == [200] * 60


@pytest.mark.parametrize(("accept", "beginning"), [("application/json", "{"), ("application/xml", "<?xml")])
def test_a_refusal_comes_in_the_gateways_envelope(books: Books, accept: str, beginning: str) -> None:
    answers = [books.session.get(f"{books.url}/preferences", headers={"Accept": accept}, timeout=10) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert answers[-1].text.startswith(beginning)
    assert "message=ThrottleExceeded; errorCode=003001; statusCode=429" in answers[-1].text
    assert "retry-after" not in answers[-1].headers


def test_a_refusal_says_when_to_come_again_only_where_that_is_switched_on(books: Books) -> None:
    limits(books, {"retry_after": True})
    answers = [books.session.get(f"{books.url}/preferences", timeout=10) for _ in range(11)]
    assert answers[-1].headers["retry-after"] == "1"


def test_the_token_endpoint_is_not_throttled(books: Books, own: Body) -> None:
    url, pair = f"{own['base_url']}/oauth2/v1/tokens/bearer", (own["client_id"], own["client_secret"])
    data = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert {requests.post(url, data=data, auth=pair, timeout=10).status_code for _ in range(15)} == {400}
