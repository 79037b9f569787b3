"""Prints how long the party matcher takes, how much memory it adds and how right it is, on generated books.

Run: `python -m qb_pipeline_tests.benchmarks.bench_matching [rows a side] [seed]`.
"""

from __future__ import annotations

import resource
import sys
import time

from qb_pipeline.sync.matching import match_parties
from qb_pipeline_tests.unit.matching.generated import Book, make_book


def main(size: int, seed: int) -> None:
    """One line of figures for each quarter, half and whole of `size`, so that the growth is seen."""
    for rows in (size // 4, size // 2, size):
        report(make_book(rows, seed=seed), rows)


def report(book: Book, rows: int) -> None:
    before, start = _peak_megabytes(), time.perf_counter()
    found = match_parties(book.left, book.right)
    seconds = time.perf_counter() - start
    links = {(c.left_id, c.right_id) for c in found if c.match_class.automatic}
    asked = {(c.left_id, c.right_id) for c in found} - links
    right = links & book.links
    sys.stdout.write(
        f"{rows} x {rows}: {seconds:.2f} s, +{_peak_megabytes() - before:.0f} MB, "
        f"precision {len(right) / max(1, len(links)):.4f} ({len(links) - len(right)} wrong of {len(links)}), "
        f"recall {len(right) / len(book.links):.4f}, with weak candidates "
        f"{len((links | asked) & book.links) / len(book.links):.4f} ({len(asked)} to look at)\n"
    )


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
