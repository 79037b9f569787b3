"""New exceptions in one text: grouped by cause, named, with the fix and who."""

from __future__ import annotations

from datetime import UTC, datetime

from qb_pipeline.notify.digest import Joined, New, told


def new(
    label: str, cause: str, *, code: str = "refused", fix: str = "Correct it.", who: str = "office", blocks: int = 0
) -> New:
    return New("customer", label, code, "The name is refused", cause, fix, who, blocks)


def test_one_cause_is_told_once_with_its_count_and_its_records() -> None:
    found = [new(f"Customer {n}", f"Customer {n} has a colon in its name.") for n in range(30)]
    text = told("Acme", found, None)
    assert text.title == "Acme: 30 records need somebody"
    assert "30 records of Acme need somebody, for 1 reason. All other records go on." in text.body
    assert text.body.count("has a colon in its name") == 1
    assert "30 records: the customer has a colon in its name." in text.body
    assert text.body.count("What to do: Correct it.") == 1
    assert text.body.count("Who can fix it: office") == 1
    assert "- Customer 0\n" in text.body
    assert "- and 22 more" in text.body


def test_a_cause_that_quotes_the_name_is_the_same_cause_and_a_name_inside_a_word_is_left_alone() -> None:
    found = [new(f"Customer {name}", f"Customer '{name}' owes an Annual fee.") for name in ("Ann", "Bob (north)")]
    body = told("Acme", found, None).body
    assert "2 records: the customer owes an Annual fee." in body


def test_a_cause_that_differs_by_record_is_told_with_each_record() -> None:
    found = [new("Ann", "The name has 101 characters."), new("Bob", "The name has 140 characters.")]
    body = told("Acme", found, None).body
    assert "2 records: The name is refused" in body
    assert "- Ann: The name has 101 characters." in body
    assert "- Bob: The name has 140 characters." in body


def test_a_fix_that_differs_by_record_stands_with_its_record() -> None:
    found = [new("Ann", "It is taken.", fix="Rename Ann."), new("Bob", "It is taken.", fix="Call Bob's office.")]
    body = told("Acme", found, None).body
    assert "What to do" not in body
    assert "- Bob: Call Bob's office." in body


def test_the_cause_of_most_records_comes_first_and_what_waits_is_counted() -> None:
    found = [new("Zoe", "Zoe is missing.", code="missing_reference", blocks=12)]
    found += [new(name, "It is taken.") for name in ("Ann", "Bob")]
    body = told("Acme", found, None).body
    assert body.index("2 records: It is taken.") < body.index("1 record: Zoe is missing.")
    assert "- Zoe (12 records wait for it)" in body


def test_a_whole_answer_as_a_cause_is_cut_to_a_line() -> None:
    body = told("Acme", [new("Ann", "x" * 5000 + "\n\nmore")], None).body
    assert max(len(line) for line in body.splitlines()) < 330


def test_what_joined_a_cause_told_before_is_one_line_without_its_fix() -> None:
    held = Joined(new("Item Gutters", "It is inactive."), [f"Invoice {n}" for n in range(5)])
    text = told("Acme", [], datetime(2026, 3, 2, 12, 0, tzinfo=UTC), [held])
    assert text.title == "Acme: 5 more records wait for what you know"
    assert "Causes told before that hold back more records since 2026-03-02 12:00 UTC:" in text.body
    line = "- Item Gutters (the name is refused): 5 more records: Invoice 0, Invoice 1, Invoice 2 and 2 more"
    assert line in text.body.splitlines()
    assert "Correct it." not in text.body
    assert "need somebody" not in text.body


def test_what_is_new_comes_before_what_joined_and_many_causes_are_counted() -> None:
    held = [Joined(new(f"Item {n}", "It is inactive."), ["Invoice 1"]) for n in range(10)]
    text = told("Acme", [new("Ann", "It is taken.")], None, held)
    assert text.title == "Acme: 1 record needs somebody"
    assert (
        text.body.index("It is taken.") < text.body.index("Causes told before") < text.body.index("- and 2 more causes")
    )
