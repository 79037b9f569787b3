"""The matchers that are measured side by side, each as its own documentation configures it for such data.

Invariant: a matcher sees the fields of both sides and nothing else, and answers scored pairs at its standard threshold.
Ours ships one set of weights; splink and recordlinkage train on the data at hand; rapidfuzz's thresholds were chosen by
looking at the answers, so its figures are upper bounds.
"""

from __future__ import annotations

import logging
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from importlib import import_module
from typing import Any

import pandas as pd
from rapidfuzz.fuzz import token_set_ratio, token_sort_ratio

from qb_pipeline.sync.matching import Party, match_parties
from qb_pipeline_tests.benchmarks.matching_data import Dataset, Pair, Row

Scored = list[tuple[str, str, float]]
BLOCKS = (("given_name",), ("surname",), ("postcode",), ("street_number", "address_1"))


def ours(data: Dataset) -> Scored:
    """Automatic links only: exact and strong."""
    found = match_parties([_party(r) for r in data.left], [_party(r) for r in data.right])
    return [(c.left_id, c.right_id, float(c.score)) for c in found if c.match_class.automatic]


def _party(row: Row) -> Party:
    if "surname" not in row:
        return Party(row["id"], name=row["name"], line1=row["addr"], city=row["city"], phone=row.get("phone"))
    return Party(
        row["id"], first_name=row["given_name"], last_name=row["surname"],
        line1=f"{row['street_number']} {row['address_1']}".strip(), line2=row["address_2"],
        city=row["suburb"], state=row["state"], postal_code=row["postcode"],
    )  # fmt: skip


def by_rapidfuzz(data: Dataset) -> Scored:
    """Half name, half address over exact-key blocks; for restaurants all pairs, an equal phone counting 30."""
    if "surname" in data.fields:
        pairs = _sharing_a_key(data)
        return _above(70, ((a["id"], b["id"], _person_ratio(a, b)) for a, b in pairs))
    phone = "phone" in data.fields
    scored = ((a["id"], b["id"], _restaurant_ratio(a, b, phone)) for a in data.left for b in data.right)
    return _above(60 if phone else 75, scored)


def _above(threshold: float, scored: Iterable[tuple[str, str, float]]) -> Scored:
    return [s for s in scored if s[2] >= threshold]


def _sharing_a_key(data: Dataset) -> list[tuple[Row, Row]]:
    found: dict[Pair, tuple[Row, Row]] = {}
    for block in BLOCKS:
        index: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in data.right:
            index[tuple(row[name] for name in block)].append(row)
        for row in data.left:
            key = tuple(row[name] for name in block)
            found |= {(row["id"], other["id"]): (row, other) for other in index.get(key, ()) if all(key)}
    return list(found.values())


def _person_ratio(a: Row, b: Row) -> float:
    name = token_sort_ratio(*(f"{r['given_name']} {r['surname']}" for r in (a, b)))
    place = ("street_number", "address_1", "address_2", "suburb", "postcode", "state")
    return 0.5 * name + 0.5 * token_sort_ratio(*(" ".join(r[p] for p in place) for r in (a, b)))


def _restaurant_ratio(a: Row, b: Row, phone: bool) -> float:
    name, street = token_set_ratio(a["name"], b["name"]), token_set_ratio(a["addr"], b["addr"])
    likeness = 0.45 * name + 0.35 * street + 0.2 * token_set_ratio(a["city"], b["city"])
    if not phone:
        return likeness
    return 0.7 * likeness + 30 * (_digits(a["phone"]) == _digits(b["phone"]))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _peer(module: str) -> Any:
    """Peers are no dependency of ours, so they are imported only when they are measured, and without types."""
    return import_module(module)


def by_splink(data: Dataset) -> Scored:
    """Random sampling for u, expectation maximisation for m, and its usual cut at a probability of one half."""
    pyarrow, splink, duckdb = _peer("pyarrow"), _peer("splink"), _peer("splink.backends.duckdb")

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    persons = "surname" in data.fields
    api = duckdb.DuckDBAPI()
    tables = [
        api.register(pyarrow.Table.from_pylist([_for_splink(r) for r in rows]), table_name=name)
        for name, rows in (("left_rows", data.left), ("right_rows", data.right))
    ]
    linker = splink.Linker(tables, _splink_settings(data.fields), log_level=logging.CRITICAL)
    certain = splink.block_on("given_name", "surname", "postcode") if persons else splink.block_on("name", "city")
    linker.training.estimate_probability_two_random_records_match([certain], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for fields in (("postcode",), ("given_name", "surname")) if persons else (("name",), ("addr",)):
        linker.training.estimate_parameters_using_expectation_maximisation(splink.block_on(*fields))
    table = linker.inference.predict(threshold_match_probability=0.5).as_pandas_dataframe()
    return list(zip(table["unique_id_l"], table["unique_id_r"], table["match_weight"], strict=True))


def _for_splink(row: Row) -> dict[str, str | None]:
    own = {name: value or None for name, value in row.items() if name != "id"}
    return {"unique_id": row["id"], **own, **({"phone": _digits(row["phone"])} if "phone" in row else {})}


def _splink_settings(fields: tuple[str, ...]) -> Any:
    cl, splink, rules = _peer("splink.comparison_library"), _peer("splink"), _peer("splink.blocking_rule_library")

    if "surname" not in fields:
        comparisons: list[Any] = [cl.JaroWinklerAtThresholds(name, [0.92, 0.8]) for name in ("name", "addr")]
        comparisons += [cl.ExactMatch(name) for name in fields if name in ("city", "phone")]
        return splink.SettingsCreator(
            link_type="link_only",
            comparisons=comparisons,
            blocking_rules_to_generate_predictions=[rules.CustomRule("1=1")],
        )
    return splink.SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.ForenameSurnameComparison("given_name", "surname"),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            *(cl.LevenshteinAtThresholds(name, [1, 2]) for name in ("address_1", "address_2", "suburb")),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.ExactMatch("state").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[splink.block_on(*block) for block in BLOCKS],
    )


def by_recordlinkage(data: Dataset) -> Scored:
    """The features of its own FEBRL example, the other address fields added, and the unsupervised ECM classifier."""
    rl = _peer("recordlinkage")

    warnings.simplefilter("ignore")
    frames = [pd.DataFrame([_for_splink(r) for r in rows]).set_index("unique_id") for rows in (data.left, data.right)]
    index, compare = rl.Index(), rl.Compare()
    if "surname" in data.fields:
        for block in BLOCKS:
            index.block(list(block))
        for name in ("given_name", "surname"):
            compare.string(name, name, method="jarowinkler", threshold=0.85)
        for name in ("address_1", "address_2"):
            compare.string(name, name, threshold=0.85)
        for name in ("street_number", "suburb", "postcode", "state"):
            compare.exact(name, name)
    else:
        index.full()
        for name in ("name", "addr"):
            compare.string(name, name, method="jarowinkler", threshold=0.85)
        for name in ("city", "phone"):
            if name in data.fields:
                compare.exact(name, name)
    features = compare.compute(index.index(*frames), *frames)
    classifier = rl.ECMClassifier()
    links = classifier.fit_predict(features)
    chance = classifier.prob(features).loc[links]
    return [(a, b, float(p)) for (a, b), p in zip(links, chance, strict=True)]


def one_to_one(scored: Scored) -> set[Pair]:
    """Greedy by score; ties fall by a hash, for the order of ids would give the truth away."""
    taken: set[str] = set()
    links: set[Pair] = set()
    for a, b, _ in sorted(scored, key=lambda s: (-s[2], blake2b(f"{s[0]}/{s[1]}".encode()).digest())):
        if not {f"l{a}", f"r{b}"} & taken:
            taken |= {f"l{a}", f"r{b}"}
            links.add((a, b))
    return links


MATCHERS: dict[str, Callable[[Dataset], Scored]] = {
    "ours": ours, "splink": by_splink, "recordlinkage": by_recordlinkage, "rapidfuzz": by_rapidfuzz,
}  # fmt: skip
