"""Prints how right, fast and large our party matcher and its peers are on public data, all in one run.

Run: `python -m qb_pipeline_tests.benchmarks.bench_matching_peers [part of a data set's name]`. Each line is a process
of its own; seconds leave out imports and loading, memory is what the matching adds to them. `one to one` is the peer's
answer after a greedy assignment, which ours is already. Peers that are not installed are put into the cache folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from qb_pipeline_tests.benchmarks.matching_data import CACHE, Dataset, Pair, febrl4, restaurants
from qb_pipeline_tests.benchmarks.matching_peers import MATCHERS, one_to_one

DATASETS: dict[str, Callable[[], Dataset]] = {
    "FEBRL4 half": lambda: febrl4(half=True),
    "FEBRL4 full": lambda: febrl4(half=False),
    "Fodors-Zagats with phone": lambda: restaurants(phone=True),
    "Fodors-Zagats without phone": lambda: restaurants(phone=False),
}
PEERS = CACHE / "peers"
IMPORTS = {"splink": ("pyarrow", "splink.comparison_library", "splink.backends.duckdb"),
           "recordlinkage": ("pandas", "recordlinkage")}  # fmt: skip
# Without their dependencies, for numpy, pandas and scipy are there and must stay as they are.
REQUIREMENTS = (
    "splink==5.0.0", "recordlinkage==0.16", "duckdb==2.0.0", "pyarrow==26.0.1", "sqlglot==30.30.0",
    "scikit-learn==1.9.1", "joblib==1.6.0", "threadpoolctl==3.8.0", "jellyfish==1.3.0", "cloudpickle==3.1.2",
)  # fmt: skip
HEADER = ("data", "matcher", "precision", "recall", "F1", "1:1 P", "1:1 R", "1:1 F1", "seconds", "+MB")


def main(part: str) -> None:
    prepare()
    _write(HEADER)
    for name in (n for n in DATASETS if part.lower() in n.lower()):
        for matcher in MATCHERS:
            command = (sys.executable, "-m", "qb_pipeline_tests.benchmarks.bench_matching_peers", name, matcher)
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            _write((name, matcher, *json.loads(done.stdout.splitlines()[-1])))


def prepare() -> None:
    """The data and the peers, fetched before anything is measured."""
    for make in DATASETS.values():
        make()
    sys.path.append(str(PEERS))
    if not all(find_spec(name) for name in ("splink", "recordlinkage")):
        install = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(PEERS))
        subprocess.run((*install, *REQUIREMENTS), check=True)


def one(name: str, matcher: str) -> list[str]:
    """The figures of one matcher on one data set."""
    sys.path.append(str(PEERS))
    data = DATASETS[name]()
    for module in IMPORTS.get(matcher, ()):
        __import__(module)
    before, start = _peak_megabytes(), time.perf_counter()
    scored = MATCHERS[matcher](data)
    seconds = time.perf_counter() - start
    added = _peak_megabytes() - before
    raw, assigned = {(a, b) for a, b, _ in scored}, one_to_one(scored)
    return [*_judged(raw, data.truth), *_judged(assigned, data.truth), f"{seconds:.2f}", f"{added:.0f}"]


def _judged(links: set[Pair], truth: frozenset[Pair]) -> list[str]:
    right = len(links & truth)
    precision, recall = right / max(1, len(links)), right / len(truth)
    return [f"{x:.4f}" for x in (precision, recall, 2 * precision * recall / max(1e-9, precision + recall))]


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _write(cells: tuple[str, ...]) -> None:
    sys.stdout.write(f"{cells[0]:28}{cells[1]:15}" + "".join(f"{c:>10}" for c in cells[2:]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.stdout.write(json.dumps(one(sys.argv[1], sys.argv[2])) + "\n")
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
