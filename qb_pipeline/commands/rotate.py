"""`rotate-key`: a new key for everything that is sealed.

Invariant: at every moment the keys that are kept open every secret that is stored.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack

import click
from sqlalchemy import Engine

from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings, key_file, token_keys, write_keys
from qb_pipeline.store import companies
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.rekey import reseal, under_former_keys
from qb_pipeline.store.sealing import Sealer

_LOCK_WAIT = 60.0


@click.command("rotate-key")
@click.option("--forget-former", is_flag=True, help="Drop the former key, once nothing is sealed with it any more.")
@json_option
@click.pass_obj
def rotate_key(output: Output, forget_former: bool) -> None:
    """Seal every token and secret with a new key.

    With the key in QB_HOME/token.key a new one is made; the former stays beside it, for processes that still run, until
    --forget-former. With QB_TOKEN_KEY set, set it to NEW,FORMER first and run this; then drop FORMER from it.
    """
    with store() as (settings, engine):
        if forget_former:
            _forget(settings, engine)
            output.result({"forgotten": True}, lambda console: console.print("The former key is forgotten."))
            return
        if settings.token_key is None:
            write_keys(key_file(settings), [secrets.token_bytes(32), token_keys(settings)[0]])
        elif len(token_keys(settings)) == 1:
            raise Misconfigured(
                "QB_TOKEN_KEY holds one key only.",
                code="one_token_key",
                fix="Set it to the new key, a comma and the former one, then run rotate-key again.",
            )
        count = _reseal(settings, engine)
    text = f"{count} secrets are sealed with the new key; restart what runs, then drop the former key (--forget-former)"
    output.result({"resealed": count}, lambda console: console.print(text, markup=False))


def _reseal(settings: Settings, engine: Engine) -> int:
    """While no run of any company holds tokens it may be about to store."""
    with engine.connect() as conn:
        names = [c.name for c in companies.listing(conn)]
    with ExitStack() as locks:
        for name in names:
            locks.enter_context(company_lock(engine, name, _LOCK_WAIT))
        with engine.begin() as conn:
            return reseal(conn, Sealer(*token_keys(settings)))


def _forget(settings: Settings, engine: Engine) -> None:
    keys = token_keys(settings)
    with engine.connect() as conn:
        left = under_former_keys(conn, Sealer(*keys))
    if left:
        raise Misconfigured(
            f"{left} secrets are still sealed with the former key.",
            code="former_key_in_use",
            fix="Run qb-pipeline rotate-key without --forget-former first.",
        )
    if settings.token_key is not None:
        raise Misconfigured(
            "The keys are in QB_TOKEN_KEY.",
            code="token_key_in_environment",
            fix="Nothing is sealed with the former key: drop it from QB_TOKEN_KEY.",
        )
    write_keys(key_file(settings), keys[:1])
