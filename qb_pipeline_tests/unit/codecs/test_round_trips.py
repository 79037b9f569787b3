"""What is written can be read back: nothing a codec accepts is lost or bent on the way through JSON."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities import values as canonical
from qb_pipeline.entities.spec import Direction
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import CODECS, codec
from qb_pipeline.quickbooks.codecs.base import KeptInQuickBooks
from qb_pipeline_tests.unit.codecs.worlds import FACTS, applied, blank, changed_keys, line, over_the_wire

# Printable and without the signs QBO refuses in names; parentheses are the jobs' own subject.
SIGNS = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=":()")


def words(most: int) -> st.SearchStrategy[str]:
    return st.lists(st.text(SIGNS, min_size=1, max_size=8), min_size=1, max_size=3).map(" ".join).filter(
        lambda text: len(text) <= most
    )  # fmt: skip


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


IDS = st.integers(1, 10**9).map(str)
PAYERS = IDS.filter(lambda payer: payer not in FACTS.job_parents)  # contractor software knows customers, not jobs
MONEY = st.decimals(Decimal("0.01"), Decimal(99999), places=2)
NUMBERS = st.decimals(Decimal(0), Decimal(9999), places=4).map(canonical.number)
DATES = st.dates(date(2000, 1, 1), date(2049, 12, 31))


def addresses(prefix: str) -> dict[str, st.SearchStrategy[Any]]:
    streets = st.lists(words(40), min_size=1, max_size=4).map("\n".join)
    parts = {p: maybe(words(30)) for p in ("line1", "city", "state", "postal_code", "country")}
    return {f"{prefix}_{part}": strategy for part, strategy in {**parts, "line2": maybe(streets)}.items()}


CUSTOMERS = st.fixed_dictionaries(
    {
        "name": words(500),
        "company_name": maybe(words(100)),
        "first_name": maybe(words(100)),
        "last_name": maybe(words(100)),
        "email": maybe(st.emails().filter(lambda e: len(e) <= 100)),
        "phone": maybe(st.from_regex(r"\(\d{3}\) \d{3}-\d{4}", fullmatch=True)),
        **addresses("billing"),
        "taxable": st.booleans(),
        "tax_code": maybe(IDS),
        "terms": maybe(IDS),
        "notes": maybe(words(2000)),
        "active": st.just(True),
    }
)
NUMBERED = st.builds(lambda word, digits: f"{word}-{digits}", st.text(SIGNS, max_size=6), st.integers(0, 9999))
JOBS = st.fixed_dictionaries(
    {"name": words(450), "number": maybe(NUMBERED), "customer": PAYERS, **addresses("site"), "active": st.just(True)}
)
DIVISIONS = st.fixed_dictionaries({"name": words(100), "active": st.booleans()})
ITEMS = st.fixed_dictionaries(
    {
        "name": words(100),
        "sku": maybe(words(100)),
        "description": maybe(words(400)),
        "kind": st.sampled_from(["service", "goods"]),
        "unit_price": maybe(NUMBERS),
        "unit_cost": maybe(NUMBERS),
        "income_account": IDS,
        "expense_account": IDS,
        "taxable": st.booleans(),
        "active": st.just(True),
    }
)


def item_line(
    item: str, quantity: Decimal, price: Decimal, said: str | None, taxable: bool, division: str | None
) -> Any:
    amount = canonical.money(quantity * price)
    return line(item=item, quantity=quantity, unit_price=price, amount=amount, description=said, taxable=taxable,
                division=division)  # fmt: skip


ITEM_LINES = st.builds(item_line, IDS, NUMBERS, NUMBERS, maybe(words(60)), st.booleans(), maybe(IDS))
TEXT_LINES = st.builds(lambda said: line("text", description=said), words(60))
DISCOUNTS = st.builds(lambda amount, said: line("discount", amount=-amount, description=said), MONEY, maybe(words(60)))
LINES = st.builds(
    lambda items, others, discount: (*items, *others, *discount),
    st.lists(ITEM_LINES, min_size=1, max_size=4),
    st.lists(TEXT_LINES, max_size=2),
    st.lists(DISCOUNTS, max_size=1),
)
SALES: dict[str, st.SearchStrategy[Any]] = {
    "number": maybe(words(21)),
    "customer": st.just("7"),
    "job": st.sampled_from([None, "71", "72"]),
    "date": DATES,
    "lines": LINES,
    "tax_code": IDS,
    "tax": MONEY,
    "memo": maybe(words(200)),
    "total": st.none(),
    "balance": st.none(),
}
INVOICES = st.fixed_dictionaries({**SALES, "due_date": maybe(DATES), "terms": maybe(IDS)})
CREDIT_MEMOS = st.fixed_dictionaries({**SALES, "applications": st.just(())})


@st.composite
def payments(draw: st.DrawFn) -> dict[str, Any]:
    amounts = draw(st.dictionaries(IDS, MONEY, max_size=4))
    allocations = tuple({"id": i, "invoice": i, "amount": amount} for i, amount in amounts.items())
    spare = draw(st.just(Decimal("0.00")) | MONEY)
    total = sum(amounts.values(), spare)
    assume(total > 0)
    given_values = {"customer": draw(PAYERS), "date": draw(DATES), "amount": total, "allocations": allocations}
    rest = {"method": draw(maybe(IDS)), "reference": draw(maybe(words(21))), "memo": draw(maybe(words(60)))}
    return blank("payment", **given_values, **rest)


SAMPLES = {"customer": CUSTOMERS, "job": JOBS, "division": DIVISIONS, "item": ITEMS, "invoice": INVOICES,
           "payment": payments(), "credit_memo": CREDIT_MEMOS}  # fmt: skip


def test_every_entity_has_a_codec_and_every_written_one_a_sample() -> None:
    assert CODECS.keys() == ENTITIES.keys()
    assert SAMPLES.keys() == {name for name, made in CODECS.items() if not issubclass(made, KeptInQuickBooks)}


def without_ids(value: Any) -> Any:
    return [{k: v for k, v in x.items() if k != "id"} for x in value] if isinstance(value, tuple) else value


def writable(entity: str) -> list[str]:
    return [f.name for f in ENTITIES[entity].fields if f.direction is not Direction.NONE]


@pytest.mark.parametrize("entity", SAMPLES)
@given(data=st.data())
def test_what_a_create_sends_decodes_to_the_same_values(entity: str, data: st.DataObject) -> None:
    values, under_test = data.draw(SAMPLES[entity]), codec(entity, FACTS)
    answer = over_the_wire(under_test.encode_create(values))
    again = under_test.decode(answer).values
    for name in writable(entity):
        assert without_ids(again[name]) == without_ids(values[name]), name


def stored(body: dict[str, Any]) -> dict[str, Any]:
    """The object QBO keeps of a create: with an identity, and one for each line but the discount."""
    sent = over_the_wire(body)
    lines = [
        x if "DiscountLineDetail" in x or "DetailType" not in x else {**x, "Id": str(n)}
        for n, x in enumerate(sent.get("Line", []), 1)
    ]
    return {"Id": "5", "SyncToken": "3", **sent, **({"Line": lines} if lines else {})}


@pytest.mark.parametrize("entity", SAMPLES)
@given(data=st.data())
def test_a_sparse_update_makes_the_changed_fields_so_and_leaves_the_rest(entity: str, data: st.DataObject) -> None:
    before, wanted, under_test = data.draw(SAMPLES[entity]), data.draw(SAMPLES[entity]), codec(entity, FACTS)
    fixed = {"kind", "tax", "income_account"}
    names = [n for n in writable(entity) if n not in fixed and (n != "due_date" or wanted[n] is not None)]
    changed = frozenset(data.draw(st.sets(st.sampled_from(names), min_size=1)))
    if entity == "payment" and "allocations" in changed:
        changed |= {"amount"}
    desired = {n: wanted[n] if n in changed else before[n] for n in before}
    raw = stored(under_test.encode_create(before))
    if "lines" in changed:
        lines: Any = under_test.decode(raw).values["lines"]
        ids = data.draw(st.permutations([x["id"] for x in lines if x["id"] != "discount"]))
        known = dict(enumerate(ids))
        desired["lines"] = tuple(
            {**x, "id": "discount" if x["kind"] == "discount" else known.get(n)} for n, x in enumerate(desired["lines"])
        )
    if entity == "payment" and sum(x["amount"] for x in desired["allocations"]) > desired["amount"]:
        return
    after = under_test.decode(applied(raw, under_test.encode_update(desired, changed, raw))).values
    for name in writable(entity):
        if name in changed and name in ("unit_price", "unit_cost") and desired[name] is None:
            assert after[name] == 0
        elif name != "tax" or not changed & {"lines", "tax_code"}:  # left to QBO to compute then
            assert without_ids(after[name]) == without_ids(desired[name]), name


@pytest.mark.parametrize("entity", SAMPLES)
@given(data=st.data())
def test_every_update_names_the_record_its_version_and_that_it_is_sparse(entity: str, data: st.DataObject) -> None:
    values, under_test = data.draw(SAMPLES[entity]), codec(entity, FACTS)
    raw = stored(under_test.encode_create(values))
    body = under_test.encode_update(values, frozenset(), raw)
    assert body == {"Id": "5", "SyncToken": "3", "sparse": True}
    assert changed_keys(body) == set()


@given(st.text(st.sampled_from("ab1 ()"), min_size=1, max_size=12), st.text(st.sampled_from("a1()"), max_size=6))
def test_a_job_is_written_readably_or_refused(name: str, number: str) -> None:
    jobs = codec("job", FACTS)
    values = blank("job", name=canonical.text(name), number=canonical.text(number), customer="7", active=True)
    try:
        again = jobs.decode(jobs.encode_create(values)).values
    except FixTheData as refused:
        assert refused.field in ("name", "number")
    else:
        assert (again["name"], again["number"]) == (values["name"], values["number"])


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters=":"), min_size=1, max_size=40))
def test_any_display_name_of_a_job_is_written_as_it_was_read(shown: str) -> None:
    jobs = codec("job", FACTS)
    raw = {"Id": "71", "SyncToken": "0", "DisplayName": shown, "Job": True, "ParentRef": {"value": "7"}}
    decoded = jobs.decode(raw)
    assume(decoded.values["name"] is not None)
    body = jobs.encode_update(decoded.values, frozenset({"name"}), raw)
    assert body["DisplayName"] == canonical.text(shown)
