"""Consents that were asked for and not given yet.

Invariant: a state is good for one callback, within `LASTS` seconds; what is remembered with it, keys among it, lies
sealed in QB_HOME/consents, under a name that does not tell the state.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import simplejson

from qb_pipeline.errors import FixTheData
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.sync.connecting import Wanted

LASTS = 600.0  # seconds from asking for a consent to its callback
_CONTEXT = "consent asked for"  # a sealed consent opens as nothing else


@dataclass(frozen=True)
class Asked:
    """Who is to be connected, and how it is to be reached."""

    company: str
    wanted: Wanted


class Pending:
    """The consents under way of one QB_HOME; they outlive the process."""

    def __init__(self, folder: Path, sealer: Sealer, *, now: Callable[[], float] = time.time) -> None:
        self._folder, self._sealer, self._now = folder, sealer, now

    def ask(self, asked: Asked) -> str:
        """Remember it and return its state, which nobody can guess."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._drop_old()
        state = secrets.token_urlsafe(32)
        document = {"company": asked.company, "wanted": asdict(asked.wanted), "until": self._now() + LASTS}
        path = self._path(state)
        path.touch(mode=0o600)
        path.write_bytes(self._sealer.seal(simplejson.dumps(document), _CONTEXT))
        return state

    def take(self, state: str) -> Asked:
        """What was asked with this state, once; `FixTheData` when there is nothing, or it was too long ago."""
        path = self._path(state)
        try:
            sealed = path.read_bytes()
            path.unlink()  # of two callbacks with one state, one fails here
        except FileNotFoundError:
            raise _not_waiting("was not asked for here, or has been used already") from None
        document = simplejson.loads(self._sealer.unseal(sealed, _CONTEXT))
        if document["until"] < self._now():
            raise _not_waiting(f"came later than {LASTS / 60:g} minutes after it was asked for")
        return Asked(document["company"], Wanted(**document["wanted"]))

    def _path(self, state: str) -> Path:
        return self._folder / hashlib.sha256(state.encode(errors="replace")).hexdigest()

    def _drop_old(self) -> None:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another request was faster
                if path.stat().st_mtime < self._now() - LASTS:
                    path.unlink()


def under_former_keys(folder: Path, sealer: Sealer, now: Callable[[], float] = time.time) -> int:
    """How many consents that may still be given were sealed with another key than the current one."""
    if not folder.is_dir():
        return 0
    waiting = [p for p in folder.iterdir() if p.stat().st_mtime >= now() - LASTS]
    return sum(not sealer.is_current(p.read_bytes()) for p in waiting)


def _not_waiting(how: str) -> FixTheData:
    return FixTheData(
        f"This consent {how}.",
        code="consent_not_waiting",
        fix="Start connecting the company again, and finish it in the same browser within 10 minutes.",
        who="owner",
    )
