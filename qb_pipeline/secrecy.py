"""Secrets that are in use, and how they are kept out of what is said.

Invariant: no text that went through `without_secrets` holds a secret this process has read, opened or been given; every
`PipelineError` takes its words through it, so that what another system repeats goes no further.

    remember(*secrets)        whoever gets hold of a secret says so
    without_secrets(text)     the text with each of them hidden
    quoted(text, longest)     its beginning, on one line: cut only after that
"""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote, quote_plus

HIDDEN = "•••"
_SHORTEST = 6  # shorter ones would blot out ordinary words
_UNMISTAKABLE = 16  # a shorter one may be a part of a word, and is hidden where it stands by itself
_MOST = 10_000  # forms that are remembered: access tokens come by the hour, and the oldest serve nobody any more

_known: dict[str, None] = {}
_one_at_a_time = threading.Lock()


def remember(*secrets: str | None) -> None:
    """From now on these are hidden, also as they stand in an address or in JSON."""
    forms = {form for secret in secrets if secret and len(secret) >= _SHORTEST for form in _forms(secret)}
    with _one_at_a_time:
        for form in forms:
            _known.pop(form, None)  # what is used again counts as new
            _known[form] = None
        while len(_known) > _MOST:
            del _known[next(iter(_known))]


def without_secrets(text: str) -> str:
    """`text` with every secret in it hidden. To be asked before a text is cut or put into other words: half a secret is
    not known any more.
    """
    with _one_at_a_time:
        found = [form for form in _known if form in text]
    for form in sorted(found, key=len, reverse=True):
        text = _hide(form, text)
    return text


def quoted(text: str, longest: int) -> str:
    """What another system said, on one line and without secrets, of at most `longest` characters."""
    return " ".join(without_secrets(text).split())[:longest]


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


def _hide(form: str, text: str) -> str:
    if len(form) >= _UNMISTAKABLE:
        return text.replace(form, HIDDEN)
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", HIDDEN, text)
