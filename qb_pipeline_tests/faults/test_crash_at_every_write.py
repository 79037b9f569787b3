"""Killed with SIGKILL at an edge of its work and started again, a sync ends as if nobody had touched it.

Invariant: the edges are counted in the undisturbed run; here a spread of them is covered, by `make crashes` every one.
QB_FAULT_EDGES says how many, QB_FAULT_SEED which.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from random import Random

import pytest

from qb_pipeline_tests.faults.crashes import Story, said_path, spread, story
from qb_pipeline_tests.faults.story import NEW_CUSTOMERS, desks, deviations, outcome

EDGES = int(os.environ.get("QB_FAULT_EDGES", "6"))
SEED = int(os.environ.get("QB_FAULT_SEED", "1"))


@pytest.fixture(scope="module")
def told(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with story(tmp_path_factory.mktemp("crash") / "stage", template_url, f"crash_{os.getpid()}") as made:
        yield made


def test_the_story_owes_every_kind_of_write_to_both_sides_and_a_whole_batch(told: Story) -> None:
    writes = told.undisturbed.run.writes
    assert sum(w["items"] for w in writes) >= NEW_CUSTOMERS + 15
    assert any(w["items"] == 30 for w in writes), "no batch was full"
    asked = {(w["method"], said_path(w["path"])) for w in writes}
    assert {("POST", "batch"), ("POST", "invoices"), ("PATCH", "invoices"), ("DELETE", "payments")} <= asked
    assert {("POST", "payments"), ("POST", "credit_memos"), ("POST", "creditmemo"), ("PATCH", "items")} <= asked


def test_edges_stand_before_and_after_commits_requests_answers_batches_and_token_refreshes(told: Story) -> None:
    edges = "\n".join(told.undisturbed.edges)
    for what in (
        "before commit: insert journal", "after commit: insert journal", "before commit: update link",
        "half sent: POST /v3/company/:id/batch", "sent, unanswered: POST /v3/company/:id/batch",
        "sent, unanswered: POST /api/v1/customers", "answer arrived: POST /api/v1/customers",
        "half sent: POST /:id/v1/tokens/bearer", "before saving tokens", "after saving tokens",
    ):  # fmt: skip
        assert what in edges
    assert len(told.undisturbed.edges) > 250


def test_a_sync_killed_at_any_edge_ends_like_an_undisturbed_one(
    told: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    edges = told.undisturbed.edges
    crashes = [told.crash(edge) for edge in spread(edges, EDGES, SEED)]
    with capsys.disabled():
        sys.stdout.write(f"covered {sum(c.reached for c in crashes)} of {len(edges)} edges, seed {SEED}\n")
    assert {c.edge: c.wrong for c in crashes if c.wrong} == {}


def test_a_sync_killed_again_and_again_ends_like_an_undisturbed_one(told: Story) -> None:
    assert told.crashes(Random(SEED), 4) == []


def test_the_same_story_makes_the_same_writes_with_the_same_keys(told: Story) -> None:
    """Within one stretch of requests to the contractor six are on their way at once, in any order."""
    assert told.again() == told.undisturbed.trace


def test_a_second_copy_and_another_amount_would_be_noticed(told: Story) -> None:
    """What the other tests rest on: the comparison sees what a crash must not do."""
    told.again()
    own, books = desks(told.stage.instance)
    copied = next(p for p in books.all("Payment") if p["PaymentRefNum"] == "CHK 0")
    books.create("Payment", {k: copied[k] for k in ("CustomerRef", "TotalAmt", "TxnDate", "PaymentRefNum")})
    own.edit("items", own.all("items")[0]["id"], {"unit_price": "1.23"})
    found = deviations(outcome(told.stage), told.undisturbed.outcome)
    assert any(f.startswith("too much in quickbooks: payment") and "CHK 0" in f for f in found), found
    assert any(f.startswith("missing in contractor: item") for f in found), found
    assert any("unit_price" in f for f in found), found
