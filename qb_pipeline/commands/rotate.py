"""`rotate-key`: a new key for everything that is sealed.

Invariant: at every moment the keys that are kept open every secret that is stored. Nothing is written before no run can
seal any more, and a former key goes only by --forget-former, which refuses while anything is sealed with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import click
from sqlalchemy import Engine

from qb_pipeline.commands.opening import store
from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.console import pending
from qb_pipeline.errors import Misconfigured, RetryLater
from qb_pipeline.settings import Settings, key_file, token_keys, write_keys
from qb_pipeline.store import companies
from qb_pipeline.store.locks import company_lock, session_lock
from qb_pipeline.store.rekey import reseal, under_former_keys
from qb_pipeline.store.sealing import Sealer

_LOCK_WAIT = 60.0


@click.command("rotate-key")
@click.option("--forget-former", is_flag=True, help="Drop the former keys, once nothing is sealed with them any more.")
@json_option
@click.pass_obj
def rotate_key(output: Output, forget_former: bool) -> None:
    """Seal every token and secret with a new key.

    With the key in QB_HOME/token.key a new one is made; the former stays beside it, for processes that still run, until
    --forget-former. With QB_TOKEN_KEY set, set it to NEW,FORMER first and run this; then drop FORMER from it. If it was
    interrupted, run it again: it goes on with the key it had made.
    """
    with store() as (settings, engine), _alone(engine):
        if forget_former:
            _forget(settings, engine)
            output.result({"forgotten": True}, lambda console: console.print("The former key is forgotten."))
            return
        count = _rotate(settings, engine)
    text = f"{count} secrets are sealed with the new key; restart what runs, then drop the former key (--forget-former)"
    output.result({"resealed": count}, lambda console: console.print(text, markup=False))


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """No two commands change the keys at once: each would write what the other does not know of."""
    busy = RetryLater("The keys are being changed already.", code="rotation_busy", fix="Wait for that to end.")
    with session_lock(engine, "rotate-key", 0, busy):
        yield


def _rotate(settings: Settings, engine: Engine) -> int:
    """How many secrets were sealed anew, while no run of any company holds tokens it may be about to store."""
    with engine.connect() as conn:
        names = [c.name for c in companies.listing(conn)]
    with ExitStack() as locks:
        for name in names:
            locks.enter_context(company_lock(engine, name, _LOCK_WAIT))
        sealer = Sealer(*_keys(settings, engine))
        with engine.begin() as conn:
            return reseal(conn, sealer)


def _keys(settings: Settings, engine: Engine) -> tuple[bytes, ...]:
    """The key to seal with, made and written now unless a change of keys is under way, then all former ones."""
    keys = token_keys(settings)
    if settings.token_key is not None:
        if len(keys) == 1:
            raise Misconfigured(
                "QB_TOKEN_KEY holds one key only.",
                code="one_token_key",
                fix="Set it to the new key, a comma and the former one, then run rotate-key again.",
            )
        return keys
    with engine.connect() as conn:
        if under_former_keys(conn, Sealer(*keys)):
            return keys
    fresh = (secrets.token_bytes(32), *keys)
    write_keys(key_file(settings), fresh)
    return fresh


def _forget(settings: Settings, engine: Engine) -> None:
    keys = token_keys(settings)
    sealer = Sealer(*keys)
    with engine.connect() as conn:
        left = under_former_keys(conn, sealer)
    if left:
        raise Misconfigured(
            f"{left} secrets are still sealed with the former key.",
            code="former_key_in_use",
            fix="Run qb-pipeline rotate-key without --forget-former first.",
        )
    if pending.under_former_keys(settings.home / "consents", sealer):
        raise Misconfigured(
            "A consent that was asked for under the former key is still waited for.",
            code="former_key_awaited",
            fix="Restart the console, and run it again when ten minutes have gone by.",
        )
    if settings.token_key is not None:
        raise Misconfigured(
            "The keys are in QB_TOKEN_KEY.",
            code="token_key_in_environment",
            fix="Nothing is sealed with the former key: drop it from QB_TOKEN_KEY.",
        )
    if len(keys) > 1:
        write_keys(key_file(settings), keys[:1])
