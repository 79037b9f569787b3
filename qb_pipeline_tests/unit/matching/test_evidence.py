"""Each field's evidence is graded: equal, close, partly alike, different or missing."""

from __future__ import annotations

import pytest

from qb_pipeline.sync.matching.address_evidence import compare_address
from qb_pipeline.sync.matching.addresses import Address, read_address
from qb_pipeline.sync.matching.evidence import Frequencies, Level, compare_email, compare_phone, typo

NOBODY = Frequencies([], [])


def _at(line1: str, city: str = "Austin", postcode: str = "78701", line2: str = "") -> Address:
    return read_address(line1, line2, city, "TX", postcode)


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        (_at("12 Oak Street"), _at("12 OAK ST."), Level.EXACT),
        (_at("12 Oak St"), _at("12 Oak"), Level.CLOSE),
        (_at("12 Oak St"), _at("12 N Oak St"), Level.CLOSE),
        (_at("12 Juniper St"), _at("12 Juinper St"), Level.CLOSE),
        (_at("12 Oak St", line2="Apt 4"), _at("12 Oak St"), Level.CLOSE),
        (_at("12 Oak St"), _at("12 Oak St", postcode="78710"), Level.CLOSE),
        (_at("12 Oak St"), _at("12 Oak St", city="", postcode=""), Level.CLOSE),
        (_at("12 Oak St", line2="Apt 4"), _at("12 Oak St", line2="Apt 5"), Level.WEAK),
        (_at("12 Oak St"), _at("12 Oak Ave"), Level.WEAK),
        (_at("12 N Oak St"), _at("12 S Oak St"), Level.WEAK),
        (_at("12 Oak St"), _at("21 Oak St"), Level.WEAK),
        (_at("12 Oak St"), _at("Oak St", postcode="", city="Austin"), Level.CLOSE),
        (_at("12 Oak St"), _at(""), Level.WEAK),
        (_at("12 Oak St"), _at("980 Oak St"), Level.DIFFERS),
        (_at("12 Oak St"), _at("12 Elm St"), Level.DIFFERS),
        (_at("12 21st St"), _at("12 22nd St"), Level.DIFFERS),
        (_at("12 Oak St"), _at("12 Oak St", city="Dallas", postcode="75202"), Level.DIFFERS),
        (_at("12 Oak St"), _at("", city="Dallas", postcode="75202"), Level.MISSING),
        (_at("", city="", postcode=""), _at("", city="", postcode=""), Level.MISSING),
    ],
)
def test_an_address_is_graded_by_number_street_place_and_unit(left: Address, right: Address, level: Level) -> None:
    assert compare_address(left, right, NOBODY).level is level
    assert compare_address(right, left, NOBODY) == compare_address(left, right, NOBODY)


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ("ann@hale.example", "ann@hale.example", Level.EXACT),
        ("annhale@gmail.com", "annhale@gmial.com", Level.CLOSE),
        ("annhale@gmail.com", "anhale@gmail.com", Level.CLOSE),
        ("ann@hale.example", "bob@hale.example", Level.WEAK),
        ("ann.hale@gmail.com", "ann.hale@acme.example", Level.WEAK),
        ("hale1@gmail.com", "hale2@gmail.com", Level.DIFFERS),
        ("ann@gmail.com", "", Level.MISSING),
    ],
)
def test_an_email_is_graded(left: str, right: str, level: Level) -> None:
    assert compare_email(left, right, NOBODY).level is level


def test_a_phone_with_one_slip_is_only_weak() -> None:
    assert compare_phone("5125550142", "5125550142", NOBODY).level is Level.EXACT
    assert compare_phone("5125550142", "5125550124", NOBODY).level is Level.WEAK
    assert compare_phone("5125550142", "5125559999", NOBODY).level is Level.DIFFERS
    assert compare_phone("5125550142", "", NOBODY).bits == 0


def test_what_many_share_weighs_less_but_never_nothing() -> None:
    office = Frequencies(["5125550142"] * 16, ["5125550142"] * 2)
    crowd = Frequencies(["5125550142"] * 5000, [])
    alone = compare_phone("5125550142", "5125550142", NOBODY).bits
    assert compare_phone("5125550142", "5125550142", office).bits == alone - 4
    assert 0 < compare_phone("5125550142", "5125550142", crowd).bits < alone - 4


@pytest.mark.parametrize(
    ("left", "right", "is_typo"),
    [
        ("kowalczyk", "kowalcyzk", True),
        ("hale", "hael", True),
        ("ann", "and", False),
        ("hale", "hall", True),
        ("hale", "hallo", False),
        ("unit1", "unit2", False),
    ],
)
def test_one_slip_in_a_word_of_four_letters_is_a_typo_and_digits_never_slip(
    left: str, right: str, is_typo: bool
) -> None:
    assert typo(left, right) is is_typo
    assert typo(right, left) is is_typo
