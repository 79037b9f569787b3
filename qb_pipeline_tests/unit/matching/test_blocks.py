"""Blocking keeps the cost near linear and drops nobody without a word."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from qb_pipeline.sync.matching import Candidate, Document, MatchClass, Named, Party, match_documents, match_names
from qb_pipeline.sync.matching.blocks import block
from qb_pipeline.sync.matching.party import match_parties

CROWD = 120


def _everybody_is_asked_about(found: list[Candidate]) -> bool:
    ids = {c.left_id for c in found} | {c.right_id for c in found}
    return {c.match_class for c in found} == {MatchClass.WEAK} and len(ids) == 2 * CROWD


def test_a_block_within_its_cap_gives_every_pair_and_a_larger_one_a_few_each() -> None:
    key = frozenset({"phone"})
    assert block([key] * 3, [key] * 2, 6) == {(i, j) for i in range(3) for j in range(2)}
    assert block([key] * 3, [key] * 3, 6) == set()
    few = block([key] * 100, [key] * 90, 6, neighbours=True)
    assert len(few) <= 300
    assert {i for i, _ in few} == set(range(100))
    assert {j for _, j in few} == set(range(90))


def test_a_crowd_of_equal_parties_is_left_to_a_person() -> None:
    def crowd(side: str) -> list[Party]:
        return [Party(f"{side}{n}", name="Oak Management", phone="512 555 0142") for n in range(CROWD)]

    assert _everybody_is_asked_about(match_parties(crowd("L"), crowd("R")))


def test_a_crowd_of_equal_payments_and_names_is_left_to_a_person() -> None:
    def payments(side: str) -> list[Document]:
        return [Document(f"{side}{n}", None, 7, Decimal("50.00"), date(2026, 3, 1)) for n in range(CROWD)]

    names = [[Named(f"{side}{n}", "Kitchen", None, 7) for n in range(CROWD)] for side in "LR"]
    assert _everybody_is_asked_about(match_documents(payments("L"), payments("R")))
    assert _everybody_is_asked_about(match_names(*names))


def test_parties_of_one_town_that_share_the_office_phone_still_find_themselves() -> None:
    def clients(side: str) -> list[Party]:
        return [
            Party(f"{side}{n}", name=f"Ann Kowal{chr(97 + n % 26)}{chr(97 + n // 26)}ski", phone="512 555 0142",
                  line1=f"{n * 7 + 1} Elm St", city="Austin", postal_code="78701")
            for n in range(CROWD)
        ]  # fmt: skip

    links = {(c.left_id, c.right_id) for c in match_parties(clients("L"), clients("R")) if c.match_class.automatic}
    assert links == {(f"L{n}", f"R{n}") for n in range(CROWD)}
