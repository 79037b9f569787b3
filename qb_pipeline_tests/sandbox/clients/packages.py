"""The client libraries' own published packages, fetched once into `.qb/clients` and never into the project.

Invariant: what is unpacked is the very file named here (sdist by SHA-256, npm packages by their version), and a test
that needs it is skipped with the reason when it cannot be had.

    sdist_tests(name) -> Path       a folder holding nothing but `tests/` of a source distribution
    node_modules() -> Path          a folder with node-quickbooks and what its own suite needs, installed by npm
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".qb" / "clients"
MANIFEST = Path(__file__).parent / "node" / "package.json"
PATIENCE = 240


@dataclass(frozen=True)
class Sdist:
    """One source distribution."""

    version: str
    sha256: str


# Later releases of python-quickbooks leave their integration tests out of the source distribution.
SDISTS = {
    "python-quickbooks": Sdist("0.9.3", "f73b007363bafe12d0dd5a9293764d32dc2b48144fe1f27225064defb38aec63"),
}


def sdist_tests(name: str) -> Path:
    """A folder in which `tests` of the source distribution lies alone: the library itself is the installed one."""
    wanted = SDISTS[name]
    kept = CACHE / f"{name}-{wanted.version}"
    if not kept.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            unpack_tests(download(name, wanted, Path(folder)), Path(folder) / "out")
            keep(Path(folder) / "out", kept)
    return kept


def keep(made: Path, kept: Path) -> None:
    """Put a finished folder in its place; two workers may have made it at once, and either will do."""
    try:
        made.rename(kept)
    except OSError:
        if not kept.is_dir():
            raise


def download(name: str, wanted: Sdist, folder: Path) -> Path:
    """The archive itself, its hash checked."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    fetched(name, [*command, "--no-binary", ":all:", f"{name}=={wanted.version}", "--dest", str(folder)], folder)
    (archive,) = folder.glob("*.tar.gz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == wanted.sha256, f"{archive.name} is not the known file"
    return archive


def unpack_tests(archive: Path, target: Path) -> None:
    """`<name>-<version>/tests/**` of the archive as `tests/**`."""
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            _, _, inner = member.name.partition("/")
            if member.isfile() and inner.startswith("tests/") and ".." not in inner:
                content = packed.extractfile(member)
                assert content is not None
                (target / inner).parent.mkdir(parents=True, exist_ok=True)
                (target / inner).write_bytes(content.read())


def node_modules() -> Path:
    """The folder that holds `node_modules`, for exactly the versions of node/package.json."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    wanted = MANIFEST.read_bytes()
    kept = CACHE / f"node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not kept.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = Path(folder) / "out"
            made.mkdir()
            (made / "package.json").write_bytes(wanted)
            quiet = [
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-package-lock",
                "--fetch-retries=1",
                "--loglevel=error",
            ]
            fetched("node-quickbooks", ["npm", "install", *quiet], made)
            keep(made, kept)
    return kept


def fetched(name: str, command: list[str], folder: Path) -> None:
    """Run a package manager; without a registry the test is skipped, saying what it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{name}: {command[0]} got no answer from the package registry within {PATIENCE} s")
    if done.returncode != 0:
        pytest.skip(f"{name} cannot be fetched: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
