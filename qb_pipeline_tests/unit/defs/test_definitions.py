"""The shape of what Dagster shows, and what loading it costs."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from dagster import AssetCheckKey, AssetKey, Definitions, DynamicPartitionsDefinition, GraphDefinition
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from qb_pipeline.contractor.systems import load_system
from qb_pipeline.definitions import defs
from qb_pipeline.entities import ENTITIES

TWO_SIDED = set(load_system("reference").entities)


@cache
def graph() -> AssetGraph:
    return defs.resolve_asset_graph()


def key(path: str) -> AssetKey:
    return AssetKey(path.split("/"))


def parents(path: str) -> set[str]:
    return {parent.to_user_string() for parent in graph().get(key(path)).parent_keys}


def test_the_definitions_can_be_loaded_by_dagster() -> None:
    Definitions.validate_loadable(defs)
    jobs = {job.name for job in defs.resolve_all_job_defs()}
    assert "sync" in jobs


def test_there_is_an_asset_for_each_entity_on_each_side_one_in_agreement_and_the_summary() -> None:
    expected = {f"{where}/{name}" for where in ("contractor", "quickbooks", "synced") for name in TWO_SIDED}
    expected |= {"quickbooks/tax_rate", "synced/summary"}
    assert {k.to_user_string() for k in graph().get_all_asset_keys()} == expected


def test_every_asset_is_partitioned_by_company_and_says_what_it_is() -> None:
    for node in graph().asset_nodes:
        assert isinstance(node.partitions_def, DynamicPartitionsDefinition), node.key
        assert node.partitions_def.name == "companies", node.key
        assert node.description, node.key
        assert node.kinds, node.key


def test_an_entity_waits_for_its_staging_and_for_what_its_records_refer_to() -> None:
    assert parents("synced/job") == {"contractor/job", "quickbooks/job", "synced/customer"}
    assert parents("synced/payment") >= {
        "contractor/payment",
        "quickbooks/payment",
        "synced/customer",
        "synced/invoice",
    }


def test_a_reference_that_is_only_read_is_waited_for_where_it_is_read() -> None:
    assert parents("synced/tax_code") == {"contractor/tax_code", "quickbooks/tax_code", "quickbooks/tax_rate"}


def test_the_graphs_order_is_the_order_of_writing() -> None:
    for name in TWO_SIDED:
        for reference in ENTITIES[name].references & TWO_SIDED:
            assert f"synced/{reference}" in parents(f"synced/{name}")


def test_the_summary_comes_after_everything_that_writes() -> None:
    assert parents("synced/summary") == {f"synced/{name}" for name in TWO_SIDED}


def test_each_synced_asset_shows_its_three_steps() -> None:
    nodes = {node.name: node for node in defs.resolve_job_def("sync").graph.nodes}
    for name in TWO_SIDED:
        graph_of_one = nodes[f"synced_{name}"].definition
        assert isinstance(graph_of_one, GraphDefinition)
        assert {n.name for n in graph_of_one.nodes} == {f"match_{name}", f"diff_{name}", f"load_{name}"}


def test_each_synced_asset_has_both_checks() -> None:
    expected = {
        AssetCheckKey(key(f"synced/{name}"), check)
        for name in TWO_SIDED
        for check in ("no_open_exceptions", "no_conflicts")
    }
    fresh = {AssetCheckKey(key("synced/summary"), name) for name in ("freshness_check", "every_company_is_fresh")}
    assert set(graph().asset_check_keys) == expected | fresh


def test_the_job_takes_every_asset_and_runs_in_one_process() -> None:
    job = defs.resolve_job_def("sync")
    assert set(job.asset_layer.executable_asset_keys) == set(graph().get_all_asset_keys())
    assert job.executor_def.name == "in_process"


def test_loading_the_code_location_opens_no_connection_and_imports_nothing_heavy() -> None:
    program = """
import socket, sys, time
def refuse(*_args, **_kwargs): raise AssertionError("a connection at load")
socket.socket.connect = refuse
import psycopg
psycopg.connect = psycopg.Connection.connect = refuse
import dagster
started = time.process_time()  # the machine's other work does not count
import qb_pipeline.definitions
took = time.process_time() - started
heavy = {"pandas", "great_expectations"} & set(sys.modules)
assert not heavy, heavy
assert took < 3, took
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
