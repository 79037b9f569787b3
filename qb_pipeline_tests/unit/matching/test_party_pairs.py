"""Pairs of parties that are the same, and hard ones that are not."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest

from qb_pipeline.sync.matching import Candidate, MatchClass, Party, match_parties

HOME = {"line1": "12 North Main Street", "city": "Austin", "state": "TX", "postal_code": "78701"}
OTHER_HOME = {"line1": "940 Juniper Ct", "city": "Austin", "state": "TX", "postal_code": "78745"}
DALLAS = {"line1": "77 Commerce St", "city": "Dallas", "state": "TX", "postal_code": "75202"}
PHONE = {"phone": "(512) 555-0142"}
OTHER_PHONE = {"phone": "(512) 555-0977"}
MAIL = {"email": "office@acme.example"}
Fields = dict[str, str]


class Pair(NamedTuple):
    what: str
    left: Fields
    right: Fields


def _match(left: Fields, right: Fields) -> list[Candidate]:
    return match_parties([Party("L", **left)], [Party("R", **right)])


def _automatic(found: list[Candidate]) -> bool:
    return any(c.match_class.automatic for c in found)


SAME = [
    Pair("umlaut and legal suffix", {"name": "M\u00fcller Roofing LLC", **PHONE}, {"name": "Mueller Roofing", **PHONE}),
    Pair("umlaut left out", {"name": "M\u00fcller Roofing", **PHONE}, {"name": "Muller Roofing Inc.", **PHONE}),
    Pair("last name first", {"name": "Smith, John", **HOME}, {"name": "John Smith", **HOME}),
    Pair("nickname", {"name": "Bob Kowalczyk", **PHONE}, {"name": "Robert Kowalczyk", **PHONE}),
    Pair("initial", {"name": "R. Kowalczyk", **PHONE, **HOME}, {"name": "Robert Kowalczyk", **PHONE, **HOME}),
    Pair("typo in the surname", {"name": "John Kowalczyk", **HOME}, {"name": "John Kowalcyzk", **HOME}),
    Pair("spouse on one side", {"name": "John & Mary Hale", **HOME}, {"name": "John Hale", **HOME}),
    Pair("marked as customer", {"name": "John Hale (customer)", **PHONE}, {"name": "John Hale", **PHONE}),
    Pair("trailing 1", {"name": "John Hale1", **PHONE}, {"name": "John Hale", **PHONE}),
    Pair("name with job", {"name": "John Hale", **PHONE}, {"name": "John Hale:Kitchen", **PHONE}),
    Pair("trading name", {"name": "Ann Hale dba Hill Tile", **PHONE}, {"name": "Hill Tile LLC", **PHONE}),
    Pair(
        "unit in line 2",
        {"name": "John Hale", **HOME, "line1": "12 N Main St", "line2": "Apt 4"},
        {"name": "John Hale", **HOME, "line1": "12 North Main Street Apt 4"},
    ),
    Pair("zip+4", {"name": "John Hale", **HOME}, {"name": "John Hale", **HOME, "postal_code": "78701-1234"}),
    Pair("phone in another form", {"name": "Acme Tile", **PHONE}, {"name": "ACME Tile", "phone": "+1 512-555-0142"}),
    Pair("phone changed", {"name": "John Hale", **PHONE, **HOME}, {"name": "John Hale", **OTHER_PHONE, **HOME}),
    Pair("moved house", {"name": "Ada Kowalczyk", **PHONE, **HOME}, {"name": "Ada Kowalczyk", **PHONE, **DALLAS}),
    Pair("gmail dots", {"name": "John Hale", "email": "j.hale@gmail.com"},
         {"name": "John Hale", "email": "JHale+x@gmail.com"}),
    Pair("and for &", {"name": "Hale & Sons Painting", **MAIL}, {"name": "Hale and Sons Painting Inc", **MAIL}),
    Pair("filler word", {"name": "Acme Roofing", **PHONE}, {"name": "Acme Roofing Services", **PHONE}),
    Pair("name only in fields", {"name": "JH-17", "first_name": "John", "last_name": "Hale", **PHONE},
         {"name": "John Hale", **PHONE}),
    Pair("swapped with a typo", {"first_name": "Kowalczyk", "last_name": "Ada", **HOME},
         {"first_name": "Ada", "last_name": "Kowalcyzk", **HOME}),
    Pair("abbreviated words", {"name": "Blue Mountain Construction", **PHONE}, {"name": "Blue Mtn Constr.", **PHONE}),
    Pair("forms of one trade", {"name": "Kowalczyk Landscaping", **MAIL}, {"name": "Kowalczyk Landscape LLC", **MAIL}),
    Pair("what the premises are", {"name": "Kowalczyk Cafe", **HOME}, {"name": "Kowalczyk", **HOME}),
    Pair("town in the name", {"name": "Kowalczyk Bakery Austin", **HOME}, {"name": "Bakery Kowalczyk", **HOME}),
    Pair("branch in brackets or not", {"name": "Kowalczyk Bakery North", **PHONE, **HOME},
         {"name": "Kowalczyk Bakery (North)", **PHONE, **HOME}),
    Pair("longer name at one door", {"name": "Kowalczyk Tile", **HOME}, {"name": "Kowalczyk Tile of Zilker", **HOME}),
    Pair("crossing street", {"name": "Kowalczyk Tile", **HOME},
         {"name": "Kowalczyk Tile", **HOME, "line1": "12 North Main Street between 4th and 5th Ave"}),
    Pair("space lost in the street", {"name": "John Hale", **HOME},
         {"name": "John Hale", **HOME, "line1": "12 North MainStreet"}),
    Pair("tax id's last four", {"name": "Kowalczyk Supply", "tax_id": "12-3456789"},
         {"name": "Kowalczyk Supply Inc", "tax_id": "XX-XXX6789"}),
    Pair("fields swapped", {"first_name": "Hale", "last_name": "John", **PHONE},
         {"first_name": "John", "last_name": "Hale", **PHONE}),
]  # fmt: skip

NOT_SAME = [
    Pair("father and son", {"name": "John Hale", **HOME, **PHONE}, {"name": "Peter Hale", **HOME, **PHONE}),
    Pair("senior and junior", {"name": "John Hale Sr", **HOME, **PHONE}, {"name": "John Hale Jr.", **HOME, **PHONE}),
    Pair("spouses", {"name": "John Hale", **HOME, **PHONE, **MAIL}, {"name": "Mary Hale", **HOME, **PHONE, **MAIL}),
    Pair("names a letter apart", {"name": "Mark Hale", **HOME, **PHONE}, {"name": "Mary Hale", **HOME, **PHONE}),
    Pair("sister companies", {"name": "Hale Roofing LLC", **PHONE}, {"name": "Hale Plumbing LLC", **PHONE}),
    Pair("sister with more words", {"name": "Hale Roofing", **PHONE}, {"name": "Hale Roofing Supply", **PHONE}),
    Pair("legal forms", {"name": "Hale Group LLC", **PHONE, **HOME}, {"name": "Hale Group Inc", **PHONE, **HOME}),
    Pair("shared office e-mail", {"name": "Acme Roofing", **MAIL}, {"name": "Birch Electric", **MAIL}),
    Pair("colleagues", {"name": "Ann Hale", **MAIL, **PHONE}, {"name": "Zoe Byrd", **MAIL, **PHONE}),
    Pair("owner and company", {"name": "John Hale", **PHONE}, {"name": "John Hale Roofing LLC", **PHONE}),
    Pair("person and namesake firm", {"name": "John Hale", **PHONE}, {"name": "John Hale LLC", **PHONE}),
    Pair("branches by number", {"name": "Subway #1042", **MAIL}, {"name": "Subway #2077", **MAIL}),
    Pair("branches by place", {"name": "Hilton Hotel", **HOME, **MAIL}, {"name": "Hilton Hotel", **DALLAS, **MAIL}),
    Pair("branches by suffix", {"name": "Hilton - Downtown", **MAIL}, {"name": "Hilton - Airport", **MAIL}),
    Pair("sites of a manager", {"name": "Oak Property Management - 12 Elm", **PHONE, **MAIL},
         {"name": "Oak Property Management - 90 Ash", **PHONE, **MAIL}),
    Pair("namesakes", {"name": "John Smith", **HOME, **PHONE}, {"name": "John Smith", **DALLAS, **OTHER_PHONE}),
    Pair("one name and nothing else", {"name": "John Smith"}, {"name": "John Smith"}),
    Pair("neighbours", {"name": "Ann Hale", **HOME}, {"name": "Zoe Byrd", **HOME}),
    Pair("same contact, two firms",
         {"company_name": "Hale Tile LLC", "first_name": "Ann", "last_name": "Hale", **PHONE},
         {"company_name": "Byrd Tile LLC", "first_name": "Ann", "last_name": "Hale", **PHONE}),
    Pair("flats of one house", {"name": "Ann Hale", **HOME, "line2": "Apt 4"},
         {"name": "Ann Hale", **HOME, "line2": "Apt 5"}),
    Pair("another tax id", {"name": "Hale Supply", **PHONE, **HOME, "tax_id": "12-3456789"},
         {"name": "Hale Supply", **PHONE, **HOME, "tax_id": "98-7654321"}),
    Pair("a company at another address", {"name": "Kowalczyk Tile LLC", **PHONE, **MAIL, **HOME},
         {"name": "Kowalczyk Tile", **PHONE, **MAIL, **DALLAS}),
    Pair("surnames that sound like a first name", {"name": "Gordon-Mitchell", **PHONE, **HOME},
         {"name": "Gordon-Mitchell", **PHONE, **DALLAS}),
    Pair("a mailbox made of a one-word name", {"name": "Lopez and Sons", "email": "info@lopezandsons.example"},
         {"name": "Lopez and Sons", "email": "info@lopezandsons.example"}),
    Pair("an initial and another phone", {"name": "James Hale", **HOME, **PHONE},
         {"name": "J. Hale", **HOME, **OTHER_PHONE}),
    Pair("two trades of one owner", {"name": "Hale Cabinets LLC", **PHONE, **HOME},
         {"name": "Hale Builders LLC", **PHONE, **HOME}),
    Pair("a branch without address", {"name": "Hale Tile LLC", **MAIL, **PHONE},
         {"name": "Hale Tile LLC", **MAIL, **OTHER_PHONE}),
    Pair("surname only", {"last_name": "Hale", **HOME, **PHONE},
         {"first_name": "Ann", "last_name": "Hale", **HOME, **PHONE}),
    Pair("middle initials", {"name": "John A Hale", **HOME}, {"name": "John B Hale", **HOME}),
]  # fmt: skip


@pytest.mark.parametrize("pair", SAME, ids=lambda p: p.what)
def test_the_same_party_is_linked_however_it_is_written(pair: Pair) -> None:
    assert _automatic(_match(pair.left, pair.right))
    assert _automatic(_match(pair.right, pair.left))


@pytest.mark.parametrize("pair", NOT_SAME, ids=lambda p: p.what)
def test_two_parties_are_never_linked_for_what_they_share(pair: Pair) -> None:
    assert not _automatic(_match(pair.left, pair.right))
    assert not _automatic(_match(pair.right, pair.left))


def test_equal_name_phone_and_address_is_exact_with_its_reasons() -> None:
    (found,) = _match({"name": "John Hale", **PHONE, **HOME}, {"name": "Hale, John", **PHONE, **HOME})
    assert found.match_class is MatchClass.EXACT
    assert found.score > Decimal("0.99")
    assert found.evidence == ("same name: 'John Hale' / 'Hale, John'", "same phone", "same address")


def test_the_evidence_says_what_is_close_and_what_is_missing_where() -> None:
    (found,) = _match({"name": "Bob Hale", **PHONE, **HOME}, {"name": "Robert Hale", **PHONE})
    assert found.evidence == (
        "name close: 'Bob Hale' / 'Robert Hale'",
        "same phone",
        "address missing in QuickBooks",
    )


def test_spouses_with_one_phone_and_address_are_shown_to_a_person() -> None:
    (found,) = _match({"name": "John Hale", **PHONE, **HOME}, {"name": "Mary Hale", **PHONE, **HOME})
    assert found.match_class is MatchClass.WEAK
    assert found.evidence[0] == "different first names"


def test_a_rare_surname_counts_more_than_a_common_one() -> None:
    rare = _match({"name": "Ann Kowalczyk", **PHONE}, {"name": "Ann Kowalczyk", **PHONE})
    common = _match({"name": "Ann Smith", **PHONE}, {"name": "Ann Smith", **PHONE})
    assert rare[0].score > common[0].score


def test_two_equal_records_on_one_side_are_left_to_a_person() -> None:
    twin = {"name": "John Hale", **PHONE, **HOME}
    found = match_parties([Party("L", **twin)], [Party("R1", **twin), Party("R2", **twin)])
    assert [c.match_class for c in found] == [MatchClass.WEAK, MatchClass.WEAK]
    assert all("another record is nearly as close" in c.evidence for c in found)


def test_a_live_record_goes_before_its_deleted_twin() -> None:
    right = [Party("old", name="John Hale (deleted)", **PHONE), Party("live", name="John Hale", **PHONE)]
    found = match_parties([Party("L", name="John Hale", **PHONE)], right)
    assert [(c.right_id, c.match_class.automatic) for c in found] == [("live", True)]


def test_sites_of_one_manager_find_their_own_address_only() -> None:
    def site(record_id: str, number: int) -> Party:
        return Party(
            record_id, name="Oak Property Management", **PHONE, **MAIL,
            line1=f"{number} Elm St", city="Austin", state="TX", postal_code="78701",
        )  # fmt: skip

    left = [site(f"L{n}", n * 10) for n in range(1, 9)]
    right = [site(f"R{n}", n * 10) for n in range(5, 13)]
    links = {(c.left_id, c.right_id) for c in match_parties(left, right) if c.match_class.automatic}
    assert links == {(f"L{n}", f"R{n}") for n in range(5, 9)}


def test_a_weak_pair_says_its_doubt() -> None:
    (found,) = _match({"name": "Hale Tile LLC", **MAIL, **PHONE}, {"name": "Hale Tile LLC", **MAIL, **OTHER_PHONE})
    assert found.evidence[-1] == "it may be another site or branch"
    (found,) = _match({"name": "Ada Kowalczyk"}, {"name": "Ada Kowalczyk"})
    assert found.evidence == ("same name", "nothing beside the name agrees")


def test_at_most_three_weak_candidates_are_shown_for_a_record() -> None:
    right = [Party(f"R{n}", name="John Hale", phone="512 555 0142") for n in range(7)]
    found = match_parties([Party("L", name="John Hale", phone="512 555 0142")], right)
    assert len(found) == 3
    assert {c.match_class for c in found} == {MatchClass.WEAK}


def test_empty_records_and_empty_lists_match_nothing() -> None:
    assert match_parties([], []) == []
    assert match_parties([Party("L")], [Party("R")]) == []
    assert match_parties([Party("L", name="---")], [Party("R", name="...")]) == []
