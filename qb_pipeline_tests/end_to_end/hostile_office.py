"""An office whose two systems are behind servers that can be told to spoil answers, and what is asserted about it.

Invariant: people enter records directly in the sandboxes, the product only meets what is in between; commands run in
this process, and what counts is what their user sees.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from unittest import mock

import psycopg
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from qb_pipeline.commands import opening
from qb_pipeline.store.engine import make_engine
from qb_pipeline_tests.end_to_end import cli_running
from qb_pipeline_tests.end_to_end.cli_running import Ended, Server
from qb_pipeline_tests.end_to_end.harness import (
    COMPANY,
    ContractorDesk,
    Instance,
    QuickBooksDesk,
    Raw,
    Sandbox,
    instance,
)
from qb_pipeline_tests.end_to_end.harness_judge import Judge, copies
from qb_pipeline_tests.end_to_end.hostile import Between, between

_number = count(1)


@dataclass
class Office:
    """One installation whose QuickBooks is behind a server that can be told to spoil answers."""

    made: Instance
    between: Between  # in front of QuickBooks
    before_own: Between  # in front of the contractor's system
    own: ContractorDesk
    books: QuickBooksDesk
    environment: dict[str, str] = field(default_factory=dict)
    unpaid: list[Raw] = field(default_factory=list)  # what the next run has to make good
    entered: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {"contractor": set(), "quickbooks": set()})

    def command(self, *words: str) -> Ended:
        """A command in this process, which spares the seconds of its imports."""
        quickbooks, contractor = (_server(box) for box in (self.made.quickbooks, self.made.contractor))
        environment = {"QB_DATABASE_URL": self.address, "QB_ANSWER_SECONDS": "1", **self.environment}
        with mock.patch.object(opening, "make_engine", _engine):
            return cli_running.Instance(self.made.home, quickbooks, contractor, environment).here(*words)

    @property
    def address(self) -> str:
        """The database's address as a user writes it."""
        return make_url(self.made.database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    def sync(self) -> Ended:
        return self.command("sync", "--json", "--allow-mass-change")

    def customers(self, number: int) -> list[Raw]:
        """New customers at the contractor's."""
        made = [self.own.create("customers", {"name": _word(next(_number))}) for _ in range(number)]
        self.entered["contractor"] |= {("customer", c["id"]) for c in made}
        return made

    def item(self) -> Raw:
        """A new item at the contractor's."""
        income = next(a["id"] for a in self.own.all("accounts") if a["kind"] == "Income")
        body = {"name": _word(next(_number)), "kind": "service", "active": True, "income_account_id": income}
        made = self.own.create("items", body)
        self.entered["contractor"].add(("item", made["id"]))
        return made

    def bookkeepers_customer(self) -> Raw:
        made = self.books.create("Customer", {"DisplayName": _word(next(_number))})
        self.entered["quickbooks"].add(("customer", made["Id"]))
        return made

    def named(self, name: str) -> list[Raw]:
        """Customers of that name in QuickBooks, active or not."""
        return [c for c in self.books.all("Customer") if c["DisplayName"] == name]

    def once(self, made: list[Raw]) -> None:
        """Each of these records of the contractor's is linked to the one of its name in QuickBooks."""
        names = [c["DisplayName"] for c in self.books.all("Customer")] + [i["Name"] for i in self.books.all("Item")]
        linked = [
            link["contractor_id"] for link in self.made.rows("select * from link where quickbooks_id is not null")
        ]
        assert [names.count(r["name"]) for r in made] == [1] * len(made), made
        assert [linked.count(r["id"]) for r in made] == [1] * len(made), made

    def links(self, contractor_id: str) -> list[Raw]:
        return self.made.rows(f"select * from link where contractor_id = '{contractor_id}'")  # ids of ours

    def open_exceptions(self) -> list[Raw]:
        return self.made.rows("select * from exception where state <> 'resolved'")

    def heal(self) -> None:
        """Runs after which nothing is owed any more."""
        self.sync().success()
        document = self.sync().success().document["companies"][0]
        assert document["writes"] == 0, document
        assert self.open_exceptions() == []
        assert self.made.rows("select * from journal where phase in ('planned', 'sent', 'answered')") == []

    def judged(self) -> None:
        """Both sides agree on everything, and nobody's record has a second copy."""
        judge = Judge(self.made)
        verdict = judge.judge()
        assert verdict.wrong == []
        assert not verdict.explained
        assert copies(judge, self.entered) == []


@cache
def _engine(url: str) -> Engine:
    """One for all commands: each disposes of its connections, but the statements stay compiled, half of a short run."""
    return make_engine(url)


def _server(box: Sandbox) -> Server:
    return Server(box.info)


def _word(number: int) -> str:
    """A name unlike the others, so that nobody has to be asked whether two are one."""
    random = Random(number)
    syllables = ["".join((random.choice("bdfgklmnprstvz"), random.choice("aeiou"))) for _ in range(8)]
    return f"{''.join(syllables[:4])} {''.join(syllables[4:])}".title()


@contextmanager
def hostile_office(
    folder: Path, template_url: str, database: str = "hostile", **connecting_as: str
) -> Iterator[Office]:
    template = make_url(template_url)
    name = f"{database}_{os.getpid()}"
    admin = template.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(str(template.database))
            )
        )
    own_url = template.set(database=name).render_as_string(hide_password=False)
    with (
        instance(folder, own_url) as made,
        between(made.quickbooks.info["base_url"]) as theirs,
        between(made.contractor.info["base_url"]) as ours,
    ):
        office = Office(made, theirs, ours, ContractorDesk(made.contractor), QuickBooksDesk(made.quickbooks))
        office.command(*connecting(office, **connecting_as)).success()
        office.customers(2)
        office.bookkeepers_customer()
        office.heal()
        yield office
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def connecting(office: Office, **changed: str) -> tuple[str, ...]:
    """The words of `connect`; `changed` replaces options or adds some."""
    quickbooks, contractor = office.made.quickbooks.info, office.made.contractor.info
    discovery = quickbooks["discovery_url"].replace(quickbooks["base_url"], office.between.address)
    options = {
        "company": COMPANY, "contractor_system": "reference", "contractor_url": office.before_own.address,
        "contractor_key": contractor["api_key"], "quickbooks_discovery": discovery,
        "quickbooks_api": office.between.address, "client_id": quickbooks["client_id"],
        "client_secret": quickbooks["client_secret"], "authorize": "auto", **changed,
    }  # fmt: skip
    return ("connect", *(w for k, v in options.items() for w in (f"--{k.replace('_', '-')}", v)), "--json")


def clear(line: str) -> None:
    """Whether a failure says something a person can use, in one line and without machine's talk."""
    assert line.startswith("error: "), line
    assert len(line) < 500, line
    assert "Unexpected" not in line.split(".", maxsplit=1)[0], line
    assert line.rstrip().endswith("."), line
