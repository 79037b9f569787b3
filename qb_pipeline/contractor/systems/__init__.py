"""The platforms that come with the project, one YAML file each.

Invariant: a platform is found by its file's name or by a path, and is checked as a whole before it is used.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from qb_pipeline.contractor.system import System
from qb_pipeline.contractor.system_loader import load_file
from qb_pipeline.errors import Misconfigured

_FOLDER = Path(__file__).parent


def known_systems() -> tuple[str, ...]:
    """Names of the platforms that come with the project."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def load_system(name_or_path: str | Path) -> System:
    """The platform of that name, or of the `.yaml` file at that path; raises `Misconfigured`."""
    if isinstance(name_or_path, Path) or name_or_path.endswith((".yaml", ".yml")):
        return load_file(Path(name_or_path))
    if name_or_path not in known_systems():
        raise Misconfigured(
            f"There is no contractor system named {name_or_path!r}.",
            code="unknown_system",
            fix=f"Use one of {', '.join(known_systems())}, or the path of a system file (.yaml).",
        )
    return _load_shipped(name_or_path)


@cache
def _load_shipped(name: str) -> System:
    return load_file(_FOLDER / f"{name}.yaml")
