"""The generated company: the same from the same seed, and one that a contractor's system accepts."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from qb_pipeline.demo.generator import Workspace, generate
from qb_pipeline.demo.quickbooks_side import choose
from qb_pipeline.demo.spellings import respelled
from qb_pipeline.sandbox.contractor.server import create_app
from qb_pipeline.sandbox.kernel.errors import DataError
from qb_pipeline.sync.matching import Party
from qb_pipeline.sync.matching.party import match_parties


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return generate(7)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate(11).write(tmp_path / name)
    written = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    assert written == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}
    assert len(written) == 10


def test_another_seed_gives_another_company() -> None:
    assert generate(1).collections != generate(2).collections


def test_the_company_has_the_size_it_promises(workspace: Workspace) -> None:
    sizes = {name: len(workspace[name]) for name in ("customers", "jobs", "items", "invoices", "payments")}
    assert sizes == {"customers": 60, "jobs": 40, "items": 30, "invoices": 150, "payments": 110}


@pytest.mark.parametrize("seed", [7, 1, 2])
def test_the_contractor_sandbox_accepts_every_record_and_every_total(tmp_path: Path, seed: int) -> None:
    generate(seed).write(tmp_path)
    credentials = create_app(data=tmp_path).credentials
    assert credentials["api_key"]


def test_a_wrong_total_would_be_refused(tmp_path: Path) -> None:
    workspace = generate(7)
    workspace["invoices"][0]["total"] = "1.00"
    workspace.write(tmp_path)
    with pytest.raises(DataError, match=r"invoices.jsonl line 1: total"):
        create_app(data=tmp_path)


def test_invoices_have_one_to_six_lines_of_every_kind(workspace: Workspace) -> None:
    lines = [line for invoice in workspace["invoices"] for line in invoice["lines"]]
    assert {len(i["lines"]) for i in workspace["invoices"]} <= set(range(1, 7))
    kinds = Counter("item" if line["item_id"] else "discount" if line["amount"] else "text" for line in lines)
    assert min(kinds["item"], kinds["discount"], kinds["text"]) >= 5
    assert any(i["job_id"] for i in workspace["invoices"])
    assert any(Decimal(i["tax"]) > 0 for i in workspace["invoices"])


def test_payments_are_full_partial_joint_and_unapplied(workspace: Workspace) -> None:
    used = [(len(p["allocations"]), sum(Decimal(a["amount"]) for a in p["allocations"]), Decimal(p["amount"]))
            for p in workspace["payments"]]  # fmt: skip
    assert any(count == 0 for count, _, _ in used)
    assert any(count > 1 for count, _, _ in used)
    assert any(count and applied < amount for count, applied, amount in used)
    open_ones = [i for i in workspace["invoices"] if 0 < Decimal(i["balance"]) < Decimal(i["total"])]
    assert open_ones


def test_no_invoice_is_paid_more_than_once_over(workspace: Workspace) -> None:
    assert all(Decimal(i["balance"]) >= 0 for i in workspace["invoices"])


def test_quickbooks_knows_two_thirds_of_the_customers_most_under_other_spellings(workspace: Workspace) -> None:
    entered = choose(workspace, 7)
    own = {c["id"]: c for c in workspace["customers"]}
    other = [c for c in entered.customers if c != own[c["id"]]]
    assert len(entered.customers) == 40
    assert len(other) > 30


def test_a_respelled_party_is_still_found_to_be_the_same(workspace: Workspace) -> None:
    random = Random(3)
    ours = [_party(c) for c in workspace["customers"]]
    theirs = [_party(respelled(random, c)) for c in workspace["customers"]]
    found = {(c.left_id, c.right_id) for c in match_parties(ours, theirs) if c.match_class.automatic}
    right = {pair for pair in found if pair[0] == pair[1]}
    assert found == right
    assert len(right) >= 55


def _party(customer: dict[str, object]) -> Party:
    names = ("name", "company_name", "first_name", "last_name", "email", "phone")
    address = customer["billing_address"]
    place = {n: address.get(n) for n in ("line1", "city", "postal_code")} if isinstance(address, dict) else {}
    return Party(str(customer["id"]), **{n: customer.get(n) for n in names}, **place)  # type: ignore[arg-type]  # texts
