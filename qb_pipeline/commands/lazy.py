"""A command group that imports a command only when it is run.

Invariant: the group's help lists every command with its sentence and imports none of them.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_at` maps a name to ("module:attribute", help). A command whose module is not there is not listed."""

    def __init__(self, *args: Any, commands_at: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at = {name: at for name, at in commands_at.items() if _installed(at[0].partition(":")[0])}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in self._at:
            return None
        module, _, attribute = self._at[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._at.items()])


def _installed(module: str) -> bool:
    """Whether the module's file is there, found without importing it or its package."""
    package, _, name = module.rpartition(".")
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return False
    places = spec.submodule_search_locations if spec else None
    return any(importlib.machinery.PathFinder.find_spec(name, [place]) for place in places or ())
