"""Prints how right the party matcher is on generated books, per seed, slip and trap, and what it costs as books grow.

Run: `python -m qb_pipeline_tests.benchmarks.bench_matching [rows a side of the largest book]`. Each size is a
process of its own; seconds leave out generating, memory is the peak over imports, both books included.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from qb_pipeline.sync.matching import Candidate, match_parties
from qb_pipeline_tests.unit.matching.generated import Book, Pair, make_book

SEEDS = range(1, 9)
ROWS = 5_000
LARGEST = 100_000
QUESTIONS_PER_THOUSAND = 60
MODULE = "qb_pipeline_tests.benchmarks.bench_matching"


def main(largest: int) -> None:
    _say(f"Generated books of {ROWS:,} parties a side; targets: precision 0.999, recall 0.90, with weak 0.99, "
         f"fewer than {QUESTIONS_PER_THOUSAND} questions per 1,000 rows of a side")  # fmt: skip
    judged = [judge(make_book(ROWS, seed=seed), f"seed {seed}") for seed in SEEDS]
    by_slip(judged)
    by_trap(judged)
    _say("Growth: rows a side, seconds (of them at work: a busy machine waits), MB over imports, work a row")
    for size in (largest // 20, largest // 5, largest // 2, largest):
        done = subprocess.run(
            (sys.executable, "-m", MODULE, "one", str(size)), check=True, capture_output=True, text=True
        )
        _say(done.stdout.strip())


Judged = tuple[Book, set[Pair], set[Pair]]


def judge(book: Book, name: str) -> Judged:
    """One line of figures; returns the book, its automatic links and the pairs put to a person."""
    links, asked = _answers(match_parties(book.left, book.right))
    right, rows = links & book.links, max(len(book.left), len(book.right))
    shown = (links | asked) & book.links
    _say(
        f"{name:10} precision {len(right) / max(1, len(links)):.5f} ({len(links - right)} wrong of {len(links)}), "
        f"recall {len(right) / len(book.links):.4f}, with weak {len(shown) / len(book.links):.4f}, "
        f"{1000 * len(asked) / rows:.0f} questions per 1,000 ({len(asked & book.links)} of {len(asked)} are matches)"
    )
    return book, links, asked


def by_slip(judged: Iterable[Judged]) -> None:
    """How much of what a slip touched was still found."""
    made, linked, found = Counter[str](), Counter[str](), Counter[str]()
    for book, links, asked in judged:
        for pair, slips in book.slips.items():
            for slip in slips or ("no slip",):
                made[slip] += 1
                linked[slip] += pair in links
                found[slip] += pair in links or pair in asked
    _say(f"{'slip':28}{'pairs':>8}{'linked':>9}{'with weak':>11}")
    for slip in sorted(made, key=lambda s: linked[s] / made[s]):
        _say(f"{slip:28}{made[slip]:>8}{linked[slip] / made[slip]:>9.4f}{found[slip] / made[slip]:>11.4f}")


def by_trap(judged: Iterable[Judged]) -> None:
    """How many pairs made to be confused were linked, and how many a person is asked about."""
    laid, linked, asked_about = Counter[str](), Counter[str](), Counter[str]()
    for book, links, asked in judged:
        for pair, trap in book.traps.items():
            laid[trap] += 1
            linked[trap] += pair in links
            asked_about[trap] += pair in asked
    _say(f"{'trap':28}{'pairs':>8}{'linked':>9}{'asked':>11}")
    for trap in sorted(laid):
        _say(f"{trap:28}{laid[trap]:>8}{linked[trap]:>9}{asked_about[trap]:>11}")


def one_size(rows: int) -> None:
    before = _peak_megabytes()
    book = make_book(rows, seed=1)
    start, worked = time.perf_counter(), time.process_time()
    found = match_parties(book.left, book.right)
    worked = time.process_time() - worked
    seconds, added = time.perf_counter() - start, _peak_megabytes() - before
    links, _ = _answers(found)
    _say(f"{rows:>9,}{seconds:>8.1f} s ({worked:.1f} of work){added:>8.0f} MB{1e6 * worked / rows:>8.0f} us; "
         f"precision {len(links & book.links) / len(links):.5f}")  # fmt: skip


def _answers(found: Iterable[Candidate]) -> tuple[set[Pair], set[Pair]]:
    links: set[Pair] = set()
    asked: set[Pair] = set()
    for c in found:
        (links if c.match_class.automatic else asked).add((c.left_id, c.right_id))
    return links, asked


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one_size(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else LARGEST)
