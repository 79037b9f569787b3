"""Words as a person types them at a shell's prompt.

Invariant: a shell reads back exactly what was put in, whatever quotes, blanks or dollars the word has.
"""

from __future__ import annotations

import shlex

_READ_WITHIN_DOUBLE_QUOTES = frozenset('"$`\\!')


def quoted(word: str) -> str:
    """The word within quotes: `'Acme Builders'`, `"O'Brien"`."""
    if "'" not in word:
        return f"'{word}'"
    return shlex.quote(word) if _READ_WITHIN_DOUBLE_QUOTES & set(word) else f'"{word}"'
