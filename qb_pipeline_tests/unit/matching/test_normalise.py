"""Text, phones, e-mails, names and addresses read the same however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sync.matching.addresses import read_address
from qb_pipeline.sync.matching.naming import Kind, read_names, read_person
from qb_pipeline.sync.matching.normalise import code, email, fold, phone, sound, spellings


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Jos\u00e9 Garc\u00eda", "jose garcia"),
        ("O'Brien & Sons", "obrien and sons"),
        ("A.B.C. Roofing", "abc roofing"),
        ("  Smith-Jones,  ltd. ", "smith jones ltd"),
        ("Stra\u00dfe", "strasse"),
        ("\u0141ukasz \u00d8rsted", "lukasz orsted"),
        (None, ""),
    ],
)
def test_case_accents_and_punctuation_do_not_count(written: str | None, folded: str) -> None:
    assert fold(written) == folded


def test_an_umlaut_is_read_with_and_without_its_e() -> None:
    assert spellings("M\u00fcller") == ("muller", "mueller")
    assert spellings("Mu\u0308ller") == ("muller", "mueller")
    assert spellings("Mueller") == ("mueller",)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "written", ["(512) 555-0142", "512.555.0142", "+1 512 555 0142", "1-512-555-0142 x12", "5125550142", "512 5550142"]
)
def test_a_phone_number_is_its_ten_national_digits(written: str) -> None:
    assert phone(written) == "5125550142"


@pytest.mark.parametrize("written", ["", None, "call wife", "000-000-0000", "12", "n/a"])
def test_what_is_no_phone_number_is_no_evidence(written: str | None) -> None:
    assert phone(written) == ""


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("Bob.Smith+jobs@Gmail.com", "bobsmith@gmail.com"),
        ("bobsmith@googlemail.com", "bobsmith@gmail.com"),
        (" OFFICE@Acme.example ", "office@acme.example"),
        ("a.b+x@acme.example, c@acme.example", "a.b@acme.example"),
        ("not an address", ""),
        ("@acme.example", ""),
        (None, ""),
    ],
)
def test_an_email_address_loses_case_tag_and_gmail_dots(written: str | None, same_as: str) -> None:
    assert email(written) == same_as


def test_codes_lose_punctuation_and_leading_zeros_but_never_become_empty() -> None:
    assert code("INV-0042") == "inv0042"
    assert code("00042") == code("42") == "42"
    assert code("000") == "0"
    assert code(None) == ""


def test_misspelt_surnames_sound_the_same() -> None:
    assert sound("smith") == sound("smyth")
    assert sound("robert") == "r163"
    assert sound("ashcraft") == "a261"


@pytest.mark.parametrize(
    ("written", "core"),
    [
        ("The Acme Roofing Co., Inc.", ("acme", "roofing")),
        ("Acme Roofing GmbH", ("acme", "roofing")),
        ("Acme & Sons Ltd (deleted)", ("acme", "sons")),
        ("Smith, John", ("john", "smith")),
        ("John Smith1", ("john", "smith")),
        ("John Smith (customer)", ("john", "smith")),
        ("John Smith:Kitchen remodel", ("john", "smith")),
        ("John Smith - Kitchen remodel", ("john", "smith")),
        ("Mr. John Smith c/o Mary", ("john", "smith")),
        ("Smith Roofing, LLC", ("smith", "roofing")),
        ("Smith, Hollis and Brown", ("smith", "hollis", "brown")),
    ],
)
def test_what_hangs_onto_a_name_is_taken_off(written: str, core: tuple[str, ...]) -> None:
    assert read_names(written)[0].core == core


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("John Smith", Kind.PERSON),
        ("John & Mary Smith", Kind.PERSON),
        ("Smith, Inc", Kind.COMPANY),
        ("Larkin Webb LLC", Kind.COMPANY),
        ("Larkin Roofing", Kind.COMPANY),
        ("Unit 7 Larkin", Kind.COMPANY),
        ("Larkin Webb", Kind.UNKNOWN),
        ("Bailey, Baker and Jones", Kind.COMPANY),
        ("Bailey, John and Mary", Kind.PERSON),
        ("Gordon-Mitchell", Kind.UNKNOWN),
    ],
)
def test_persons_and_companies_are_told_apart(written: str, kind: Kind) -> None:
    assert read_names(written)[0].kind is kind


def test_a_trading_name_gives_the_person_and_the_company() -> None:
    names = read_names("John Smith dba Hill Country Roofing")
    assert {n.core for n in names} == {("john", "smith"), ("hill", "country", "roofing")}


def test_a_couple_has_two_given_names_and_one_family_name() -> None:
    (couple,) = read_names("Smith, John & Mary")
    assert couple.given == ("john", "mary")
    assert couple.family == "smith"


def test_two_fields_name_a_person_with_generation_and_particle() -> None:
    (person,) = read_person("Anna", "van der Berg Jr.")
    assert (person.given, person.family, person.generation) == (("anna",), "van der berg", "jr")
    assert read_person("", " ") == ()


@pytest.mark.parametrize(
    ("line1", "line2", "postcode"),
    [
        ("12 North Main Street Apt 4", "", "78701-1234"),
        ("12 N. Main St", "Apartment 4", "78701"),
        ("12 N Main St #4", None, "787011234"),
        ("12 n main street, unit 04", None, "78701"),
    ],
)
def test_one_door_reads_the_same_however_it_is_written(line1: str, line2: str | None, postcode: str) -> None:
    plain = read_address("12 N Main St", "Apt 4", "Austin", "TX", "78701")
    assert read_address(line1, line2, "AUSTIN", "Texas", postcode) == plain


def test_another_unit_or_number_is_another_door() -> None:
    one = read_address("12 Oak Ln Apt 4", None, "Austin", "TX", "78701")
    assert read_address("12 Oak Ln Apt 5", None, "Austin", "TX", "78701") != one
    assert read_address("14 Oak Ln Apt 4", None, "Austin", "TX", "78701") != one


def test_a_post_office_box_is_a_numbered_door() -> None:
    box = read_address("P.O. Box 77", None, "Salem", "MA", "1970")
    assert (box.number, box.street, box.postcode) == ("77", ("pobox",), "01970")
    assert box == read_address("PO BOX 77", None, "salem", "Massachusetts", "01970")
