"""Every row that can be had comes, and every one that can't is named, whatever moves meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.errors import FixTheData
from qb_pipeline.sync.reading import poison, rows
from qb_pipeline.sync.reading.rows import Page, around_poison, changed_between

START = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = 4


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_PAGE", PAGE)


@dataclass
class Books:
    """Rows (id -> second of the last change) as QuickBooks would page them; `before` acts before each query."""

    seconds: dict[str, int]
    poison: frozenset[str] = frozenset()
    before: Callable[[Books, int], None] = lambda _books, _number: None
    queries: int = 0
    asked: list[list[str]] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    def query(self, statement: str) -> Any:
        self.queries += 1
        self.before(self, self.queries)
        chosen = [i for i, second in self.seconds.items() if _within(statement, START + timedelta(seconds=second))]
        if listed := re.search(r"\bId IN \(([^)]*)\)", statement):
            wanted = re.findall(r"'(\d+)'", listed[1])
            self.asked.append(wanted)
            chosen = [i for i in chosen if i in wanted]
        by_time = "ORDERBY MetaData" in statement
        chosen.sort(key=lambda i: (self.seconds[i], int(i)) if by_time else (0, int(i)))
        start, size = (int(re.search(rf"{word} (\d+)", statement)[1]) for word in ("STARTPOSITION", "MAXRESULTS"))  # type: ignore[index]  # always there
        page = chosen[start - 1 : start - 1 + size]
        if self.poison & set(page):
            raise FixTheData("can't be read", code="qbo_4002", fix="")
        self.given |= set(page)
        return SimpleNamespace(object_rows=[self.row(i) for i in page])

    def row(self, object_id: str) -> dict[str, Any]:
        changed = START + timedelta(seconds=self.seconds[object_id])
        return {"Id": object_id, "MetaData": {"LastUpdatedTime": changed.isoformat()}}


def _within(statement: str, moment: datetime) -> bool:
    for operator, bound in re.findall(r"LastUpdatedTime ([<>]=) '([^']+)'", statement):
        limit = datetime.fromisoformat(bound)
        if (operator == ">=" and moment < limit) or (operator == "<=" and moment > limit):
            return False
    return True


def ids(pages: Iterable[Page]) -> tuple[set[str], set[str | None]]:
    """The ids that came, and those of the poison."""
    kept = list(pages)
    return {str(r["Id"]) for p in kept for r in p.rows}, {one.id for p in kept for one in p.poison}


SECONDS = st.dictionaries(st.integers(1, 60).map(str), st.integers(0, 20), max_size=25)


@given(SECONDS, st.integers(0, 20), st.integers(0, 20), st.data())
def test_a_window_gives_exactly_what_changed_in_it(
    seconds: dict[str, int], first: int, last: int, data: st.DataObject
) -> None:
    rows.MAX_PAGE = PAGE  # type: ignore[attr-defined]  # as the fixture does, which hypothesis does not repeat
    bad = data.draw(st.sets(st.sampled_from(sorted(seconds)), max_size=3)) if seconds else set()
    books = Books(seconds, frozenset(bad))
    since, until = START + timedelta(seconds=first), START + timedelta(seconds=last)
    came, named = ids(changed_between(books, "Invoice", since, until, likely=lambda: sorted(seconds)))
    within = {i for i, second in seconds.items() if first <= second <= last}
    assert came == within - bad
    assert named == within & bad


def test_a_row_that_changes_between_two_pages_is_met_at_the_windows_end() -> None:
    def move(books: Books, number: int) -> None:
        if number == 2:
            books.seconds["1"] = 99

    books = Books({str(n): n for n in range(1, 11)}, before=move)
    came, _ = ids(changed_between(books, "Invoice", START))
    assert came == {str(n) for n in range(1, 11)}


def test_a_row_deleted_between_two_pages_in_the_order_of_ids_hides_no_other() -> None:
    def delete(books: Books, number: int) -> None:
        if number == 2:
            books.seconds.pop("1")

    books = Books({str(n): 0 for n in range(1, 3 * PAGE)}, before=delete)
    assert ids(around_poison(books, "Invoice"))[0] >= {str(n) for n in range(2, 3 * PAGE)}


@pytest.mark.parametrize("bad", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
def test_rows_deleted_between_two_pages_beside_one_that_cannot_be_read_hide_nothing(bad: int) -> None:
    def delete(books: Books, _number: int) -> None:
        if str(2 * PAGE + 1) in books.given and "2" in books.seconds:
            for gone in ("1", "2"):
                books.seconds.pop(gone)

    everything = [str(n) for n in range(1, 6 * PAGE)]
    books = Books(dict.fromkeys(everything, 0), poison=frozenset({str(bad)}), before=delete)
    came, poisoned = ids(around_poison(books, "Invoice", likely=lambda: everything))
    assert came >= set(everything) - {"1", "2", str(bad)}
    assert poisoned == {str(bad)}


def test_more_rows_of_one_second_than_a_page_holds_are_all_read() -> None:
    books = Books({str(n): 5 for n in range(1, 14)} | {"50": 6, "51": 7})
    came, _ = ids(changed_between(books, "Invoice", START))
    assert came == {str(n) for n in range(1, 14)} | {"50", "51"}


def test_a_poison_row_known_before_is_named_with_one_read() -> None:
    books = Books({str(n): n for n in range(1, 10)}, frozenset({"6"}))
    came, named = ids(around_poison(books, "Invoice", likely=lambda: [str(n) for n in range(1, 10)]))
    assert came == {str(n) for n in range(1, 10)} - {"6"}
    assert (named, books.asked) == ({"6"}, [["6"]])


def test_poison_outside_the_window_is_not_taken_for_the_one_inside() -> None:
    books = Books({"1": 0, "2": 9, "3": 9}, frozenset({"1", "2"}))
    came, named = ids(changed_between(books, "Invoice", START + timedelta(seconds=5), likely=lambda: ["1", "2", "3"]))
    assert (came, named) == ({"3"}, {"2"})


def test_a_poison_row_never_seen_is_named_by_the_numbers_that_are_free() -> None:
    books = Books({"3": 1, "4": 1, "6": 1, "7": 1}, frozenset({"6"}))
    _, named = ids(around_poison(books, "Invoice"))
    assert named == {"6"}


def poisoned(*came: int, bad: set[int]) -> Books:
    return Books({str(n): 1 for n in {*came, *bad}}, frozenset(map(str, bad)))


@pytest.mark.parametrize(
    ("came", "bad"),
    [
        pytest.param((3, 9_000), {4_000}, id="between far neighbours"),
        pytest.param((3, 9_000), {4, 4_000, 8_999}, id="several between the same neighbours"),
        pytest.param((3, 2_000, 9_000), {400, 4_000}, id="in two gaps"),
        pytest.param((9_000, 9_001), {77}, id="before all others"),
        pytest.param((3, 4), {1_234}, id="after all others"),
        pytest.param((), {61}, id="alone"),
    ],
)
def test_a_poison_row_never_seen_is_pinned_down_by_lists_of_ids(came: tuple[int, ...], bad: set[int]) -> None:
    books = poisoned(*came, bad=bad)
    found, named = ids(around_poison(books, "Invoice"))
    assert (found, named) == ({str(n) for n in came}, {str(n) for n in bad})
    assert len(books.asked) <= 90 + len(bad) * 14, "a list of a hundred each, and halves of the one that was refused"
    assert max(map(len, books.asked)) <= poison.LIST


def test_a_poison_row_alone_in_its_window_is_looked_for_behind_the_newest_known_id() -> None:
    books = Books({"300": 1, "4310": 9}, frozenset({"4310"}))
    pages = changed_between(books, "Invoice", START + timedelta(seconds=5), likely=lambda: ["4300", "300"])
    assert ids(pages) == (set(), {"4310"})


def test_a_poison_row_beyond_the_questions_allowed_is_told_with_its_neighbours() -> None:
    books = poisoned(3, 900_000, 900_002, bad={400_000, 900_001, 2_000_000})
    [last] = [p for p in around_poison(books, "Invoice") if p.poison]
    assert [(one.id, one.where) for one in last.poison] == [
        (None, "between the ids 3 and 900000"),
        ("900001", "between the ids 900000 and 900002"),
        (None, "after the id 900002"),
    ]
    assert len(books.asked) <= rows.MOST_LISTS + 1


def test_ids_that_came_in_no_order_of_numbers_say_nothing_of_where_the_poison_lies() -> None:
    refusal = FixTheData("can't be read", code="qbo_4002", fix="")
    [gap] = poison.gaps(["9", refusal, "10", "2"])
    assert (gap.where(), gap.holds("5"), gap.holds("11")) == ("", True, True)


def test_another_refusal_than_poison_is_not_swallowed() -> None:
    def refuse(_books: Books, _number: int) -> None:
        raise FixTheData("no such field", code="qbo_4001", fix="")

    with pytest.raises(FixTheData, match="no such field"):
        list(around_poison(Books({"1": 1}, before=refuse), "Invoice"))
