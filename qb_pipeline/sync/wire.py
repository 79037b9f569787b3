"""The bytes of a body.

Invariant: the same values give the same bytes, on every machine and after every crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import simplejson

from qb_pipeline.entities.spec import Side


def encoded(body: Mapping[str, Any]) -> bytes:
    """Compact JSON in the order given, Decimals as plain numbers."""
    return simplejson.dumps(body, use_decimal=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(side: Side, verb: str, intended: Mapping[str, Any]) -> str:
    """What makes two writes the same write: the values intended, not the version they were based on."""
    canonical = simplejson.dumps([side, verb, intended], use_decimal=True, sort_keys=True)
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
