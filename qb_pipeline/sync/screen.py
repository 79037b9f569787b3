"""What a command may end with, read from the code that raises it.

Invariant: no code of an error is written anywhere in the package without standing here or in the catalogue; the words
stay where they are raised, and a name in braces stands for what is filled in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import qb_pipeline
from qb_pipeline import errors
from qb_pipeline.errors import PipelineError

_ELSEWHERE = frozenset({"sandbox", "demo"})  # products of their own, with no books behind them
_CLASSES = {k: v for k, v in vars(errors).items() if isinstance(v, type) and issubclass(v, PipelineError)}
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Raised:
    """One place that raises an error with a code of its own; `where` is the file within the package and the line."""

    code: str
    recovery: type[PipelineError]
    cause: str
    fix: str
    where: str


@cache
def raised() -> tuple[Raised, ...]:
    """Every place outside the sandbox and the demo that constructs an error with a literal code, by code and place."""
    root = Path(qb_pipeline.__file__).parent
    files = [f for f in sorted(root.rglob("*.py")) if not _ELSEWHERE & set(f.relative_to(root).parts)]
    return tuple(sorted((r for f in files for r in _in_file(f, str(f.relative_to(root)))), key=lambda r: r.code))


def _in_file(path: Path, name: str) -> Iterator[Raised]:
    for found in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id in _CLASSES:
            given = {k.arg: k.value for k in found.keywords}
            code = given.get("code")
            if isinstance(code, ast.Constant | ast.JoinedStr):
                cause, fix = _words(found.args[0]) if found.args else "", _words(given.get("fix"))
                yield Raised(_words(code), _CLASSES[found.func.id], cause, fix, f"{name}:{found.lineno}")


def _words(node: ast.expr | None) -> str:
    """An expression of text as a template."""
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.IfExp):
        return f"{_words(node.body)} / {_words(node.orelse)}"
    if isinstance(node, ast.FormattedValue):
        return _words(node.value) if isinstance(node.value, ast.IfExp) else _name(node.value)
    return _name(node)


def _name(node: ast.expr) -> str:
    """The last word of an expression, in braces: `{name}` for `company.name`."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.args[-1] if isinstance(node, ast.Call) and node.args else _inner(node)
    words = _WORD.findall(ast.unparse(node))
    return "{" + (words[-1] if words else "…") + "}"


def _inner(node: ast.Call | ast.Subscript) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node.value
