"""Where addresses are all two lists know and no two records of a list share one, an address identifies its record."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from qb_pipeline.sync.matching import Candidate, Party, match_parties
from qb_pipeline_tests.unit.matching.generated_pools import GIVEN, door, surname

ROWS = 800


def _persons(seed: int) -> list[Party]:
    random = Random(seed)
    return [
        Party(f"L{n:04d}", first_name=random.choice(GIVEN), last_name=surname(random), line1=at.line1, city=at.city,
              state=at.state, postal_code=at.postal_code)
        for n in range(ROWS) for at in [door(random)]
    ]  # fmt: skip


def _other_side(left: list[Party], **changed: str | None) -> list[Party]:
    return [replace(p, id=f"R{p.id[1:]}", **changed) for p in left]


def _links(found: list[Candidate]) -> set[tuple[str, str]]:
    return {(c.left_id, c.right_id) for c in found if c.match_class.automatic}


def _partners(left: list[Party]) -> set[tuple[str, str]]:
    return {(p.id, f"R{p.id[1:]}") for p in left}


@pytest.mark.parametrize("changed", [{"first_name": "Xaviera"}, {"first_name": None}, {"last_name": "Zyskowicz"}])
def test_one_name_changed_or_missing_at_an_address_of_its_own_is_the_same_person(changed: dict[str, str]) -> None:
    left = _persons(1)
    links = _links(match_parties(left, _other_side(left, **changed)))
    assert links <= _partners(left)
    assert len(links) >= 0.99 * ROWS


def test_a_link_across_two_names_says_what_it_rests_on() -> None:
    left = _persons(1)
    found = match_parties(left, _other_side(left, last_name="Zyskowicz"))
    across = [c for c in found if c.match_class.automatic]
    assert len(across) >= 0.99 * ROWS
    assert all("no two records of a list share an address" in c.evidence for c in across)


def test_slips_in_every_line_of_an_address_do_not_hide_its_person() -> None:
    left = [replace(p, line2=f"{p.city} park") for p in _persons(2)]
    right = [
        replace(p, id=f"R{p.id[1:]}", line1=p.line2, line2=(p.line1 or "").replace(" ", "", 2),
                postal_code=(p.postal_code or "")[::-1])
        for p in left
    ]  # fmt: skip
    links = _links(match_parties(left, right))
    assert links <= _partners(left)
    assert len(links) >= 0.95 * ROWS


def test_lists_in_which_people_share_addresses_keep_father_and_son_apart() -> None:
    left = _persons(3)
    families = [replace(p, id=f"S{p.id[1:]}", first_name="Xaviera") for p in left[:20]]
    right = _other_side(left[20:], first_name="Yolande")
    assert _links(match_parties(left + families, right)) == set()


def test_lists_with_phones_keep_father_and_son_apart() -> None:
    left = [replace(p, phone=f"512555{p.id[1:]}") for p in _persons(4)]
    right = _other_side(left, first_name="Xaviera")
    assert _links(match_parties(left, right)) == set()


def test_short_lists_prove_nothing_about_shared_addresses() -> None:
    left = _persons(5)[:50]
    assert _links(match_parties(left, _other_side(left, first_name="Xaviera"))) == set()
