"""`up` and `dev`: Dagster's web server and daemon and the console in the foreground, for `dev` beside both sandboxes.

Invariant: everything started here ends with the command, and everything it keeps stands under QB_HOME.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import click
import requests
from dagster import DagsterInstance
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient
from sqlalchemy import Engine

from qb_pipeline.commands.callback import listening, wait_for
from qb_pipeline.commands.children import Children, children
from qb_pipeline.commands.connect import give_consent
from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.commands.worker import reach_broker
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.partitions import register_companies
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings
from qb_pipeline.sync.connecting import Connected, Connecting, Wanted

# One code server for the daemon and the pages: they would start one each, and the daemon another every minute.
_WORKSPACE = """load_from:
  - grpc_server:
      socket: {socket}
      location_name: qb_pipeline
"""
_PORT, _FREE_OR_PORT = click.IntRange(1, 65_535), click.IntRange(0, 65_535)
_port = click.option("--port", default=3000, show_default=True, type=_PORT, help="Of Dagster's web pages.")
_host = click.option("--host", default="127.0.0.1", show_default=True)
_console_port = click.option("--console-port", type=_FREE_OR_PORT, help="Of the console; default: QB_CONSOLE_PORT.")
_worker = click.option(
    "--worker/--no-worker", default=True, show_default=True,
    help="With QB_RUN_LAUNCHER=celery: whether warm workers are started here, or run elsewhere (qb-pipeline worker).",
)  # fmt: skip
_CONSENT_SECONDS = 30
_CODE_SECONDS = 120
_SUBSCRIBE_SECONDS = 10


@click.command()
@_port
@_host
@_console_port
@_worker
@json_option
@click.pass_obj
def up(output: Output, port: int, host: str, console_port: int | None, worker: bool) -> None:
    """Start Dagster's UI and daemon and the console for real use, until stopped (Ctrl-C or SIGTERM)."""
    with store() as (settings, engine), _sockets() as sockets, children(settings.home / "logs") as family:
        console = _start_console(family, console_port)
        _start_dagster(family, settings, engine, host, port, sockets, worker=worker)
        _announce(output, {"ui": f"http://{host}:{port}", "console": console, "home": str(settings.home)})
        family.wait()


@click.command()
@_port
@_host
@click.option(
    "--quickbooks-port", default=8040, show_default=True, type=_FREE_OR_PORT, help="Of the QuickBooks sandbox."
)
@click.option(
    "--contractor-port", default=8041, show_default=True, type=_FREE_OR_PORT, help="Of the contractor sandbox."
)
@_console_port
@click.option("--company", default="sandbox", show_default=True, help="Connected to both sandboxes by itself.")
@json_option
@click.pass_obj
def dev(
    output: Output,
    port: int,
    host: str,
    quickbooks_port: int,
    contractor_port: int,
    console_port: int | None,
    company: str,
) -> None:
    """Start Dagster, the console and both sandboxes with a company connected to them, until stopped."""
    with store() as (settings, engine), _sockets() as sockets, children(settings.home / "logs") as family:
        output.say("starting both sandboxes")
        quickbooks = family.start_and_read("sandbox-quickbooks", _sandbox(settings, "quickbooks", quickbooks_port))
        contractor = family.start_and_read("sandbox-contractor", _sandbox(settings, "contractor", contractor_port))
        _connect(engine, settings, company, quickbooks, contractor)
        output.say(f"{company} is connected; starting the console and Dagster")
        console = _start_console(family, console_port)
        _subscribe(quickbooks, console["webhooks"]["quickbooks"], "cloudevents")
        _subscribe(contractor, f"{console['webhooks']['contractor']}/{quote(company, safe='')}", None)
        _start_dagster(family, settings, engine, host, port, sockets, worker=True)
        document = {"ui": f"http://{host}:{port}", "console": console, "home": str(settings.home), "company": company}
        _announce(output, {**document, "quickbooks": quickbooks, "contractor": contractor})
        family.wait()


def _start_dagster(
    family: Children, settings: Settings, engine: Engine, host: str, port: int, sockets: Path, *, worker: bool
) -> None:
    """The environment of `prepare` is inherited by all; a run can be started from the UI at once, because every
    company is a partition before it opens."""
    if settings.run_launcher == "celery":
        reach_broker(settings)
    workspace, socket = prepare(settings) / "workspace.yaml", sockets / "code"
    workspace.write_text(_WORKSPACE.format(socket=socket))
    with DagsterInstance.get() as instance:
        register_companies(instance, engine)
    code = ["api", "grpc", "--socket", str(socket), "-m", "qb_pipeline.definitions", "--location-name", "qb_pipeline"]
    family.start("dagster-code", [*_module("dagster"), *code, "--use-python-environment-entry-point"])
    if settings.run_launcher == "celery" and worker:
        family.start("worker", [*_module("qb_pipeline.cli"), "worker"])
    family.wait_until(lambda: _serves(socket), _CODE_SECONDS)
    family.start("dagster-daemon", [*_module("dagster._daemon"), "run", "-w", str(workspace)])
    pages = ["-h", host, "-p", str(port), "-w", str(workspace)]
    family.start("dagster-webserver", [*_module("dagster_webserver"), *pages])


@contextmanager
def _sockets() -> Iterator[Path]:
    """A folder that nobody else may enter, for the code server starts runs for whoever reaches it; not in QB_HOME, as a
    socket's path must be short."""
    with TemporaryDirectory(prefix="qb-") as made:
        yield Path(made)


def _serves(socket: Path) -> bool:
    if not socket.exists():
        return False
    try:
        DagsterGrpcClient(socket=str(socket)).ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def _start_console(family: Children, port: int | None) -> dict[str, Any]:
    """The console's first line; it listens from then on."""
    options = [] if port is None else ["--port", str(port)]
    return family.start_and_read("console", [*_module("qb_pipeline.cli"), "console", "--json", *options])


def _subscribe(sandbox: dict[str, Any], url: str, wanted: str | None) -> None:
    """Have a sandbox send its webhooks to `url`; subscribing again changes nothing."""
    body = {"url": url} | ({"format": wanted} if wanted else {})
    try:
        answer = requests.post(f"{sandbox['base_url']}/_sandbox/subscribe", json=body, timeout=_SUBSCRIBE_SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Misconfigured(
            f"The sandbox at {sandbox['base_url']} takes no subscription ({type(error).__name__}).",
            code="no_subscription",
            fix="Its log is in QB_HOME/logs; start dev again.",
        ) from None


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _sandbox(settings: Settings, kind: str, port: int) -> list[str]:
    state: Path = settings.home / "sandbox" / f"{kind}.sqlite"
    state.parent.mkdir(parents=True, exist_ok=True)
    return [*_module("qb_pipeline.sandbox.cli"), kind, "--port", str(port), "--state", str(state)]


def _connect(
    engine: Engine, settings: Settings, company: str, quickbooks: dict[str, Any], contractor: dict[str, Any]
) -> Connected:
    """What `connect --authorize auto` does, with the sandboxes' own keys."""
    wanted = Wanted(
        "reference", contractor["base_url"], contractor["api_key"], quickbooks["base_url"],
        quickbooks["discovery_url"], quickbooks["client_id"], quickbooks["client_secret"],
        quickbooks["verifier_token"], contractor["webhook_secret"],
    )  # fmt: skip
    connecting, state = Connecting(engine, settings, company, wanted), secrets.token_urlsafe(24)
    connecting.check_contractor()
    with listening(None, state) as listener:
        oauth = connecting.oauth(listener.redirect_uri)
        give_consent(oauth.authorize_url(state), listener)
        callback = wait_for(listener, _CONSENT_SECONDS, lambda _line: None)
    return connecting.complete(oauth, oauth.exchange(callback, state=state))


def _announce(output: Output, document: dict[str, Any]) -> None:
    """Said when everything was started; the command then stays."""
    text = (
        f"Dagster starts at {document['ui']}, the console at {document['console']['base_url']}; everything is kept in "
        f"{document['home']}. Stop with Ctrl-C."
    )
    output.result(document, lambda console: console.print(text, markup=False))
