"""A change of keys that is interrupted, refused or repeated never leaves a secret that nothing opens any more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from qb_pipeline.commands import rotate
from qb_pipeline.console.pending import LASTS, Asked, Pending
from qb_pipeline.settings import settings, token_keys
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.locks import company_lock
from qb_pipeline.store.rekey import under_former_keys
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.sync.connecting import Wanted
from qb_pipeline_tests.end_to_end.cli_running import COMPANY, Instance
from qb_pipeline_tests.end_to_end.forks import FORKS, command
from qb_pipeline_tests.end_to_end.test_exceptions_commands import instance, servers

__all__ = ["instance", "servers"]

# Each ends its process with SIGKILL at one moment of the rotation.
_KILL = "import os, signal\ndie = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
_STEPS = {
    "before the new keys take the place of the old": "import pathlib; pathlib.Path.replace = die",
    "after the keys were written, before anything is resealed": (
        "import qb_pipeline.commands.rotate as rotate; rotate.reseal = die"
    ),
    "after everything was resealed, before the commit": (
        "import qb_pipeline.commands.rotate as rotate; real = rotate.reseal\n"
        "rotate.reseal = lambda *given: (real(*given), die())"
    ),
    "after the commit, before anything is said": (
        "import qb_pipeline.commands.output as output; output.Output.result = die"
    ),
}


def kept(instance: Instance) -> list[str]:
    """The keys in the file, the newest first."""
    return (instance.home / "token.key").read_text().split()


def killed(instance: Instance, step: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QB_")} | instance.own()
    given = environment, str(instance.home), ("rotate-key",), f"{_KILL}{_STEPS[step]}"
    process = FORKS.Process(target=command, args=given)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, (instance.home / "command.log").read_text()


def left_under_former(instance: Instance, database_url: str) -> int:
    engine = make_engine(database_url)
    with engine.connect() as conn:
        count = under_former_keys(conn, Sealer(*token_keys(settings(_env_file=None, home=instance.home))))
    engine.dispose()
    return count


@contextmanager
def a_run(database_url: str) -> Iterator[None]:
    """A run that holds the company, which the rotation does not wait long for."""
    engine = make_engine(database_url)
    with mock.patch.object(rotate, "_LOCK_WAIT", 0.2), company_lock(engine, COMPANY):
        yield
    engine.dispose()


@pytest.mark.parametrize("step", _STEPS)
def test_a_rotation_killed_at_any_step_twice_over_leaves_everything_open_and_the_next_one_completes(
    instance: Instance, database_url: str, step: str
) -> None:
    [old] = kept(instance)
    for _ in range(2):
        killed(instance, step)
        assert old in kept(instance)
        assert instance.sync()["status"] == "succeeded"
    instance.prepare("rotate-key")
    assert kept(instance)[-1] == old
    assert left_under_former(instance, database_url) == 0
    instance.prepare("rotate-key", "--forget-former")
    assert len(kept(instance)) == 1
    assert kept(instance) != [old]
    assert instance.sync()["status"] == "succeeded"


def test_a_rotation_begun_goes_on_with_its_key_instead_of_making_another(instance: Instance) -> None:
    killed(instance, "after the keys were written, before anything is resealed")
    begun = kept(instance)
    assert len(begun) == 2
    assert instance.prepare("rotate-key", "--json").document["resealed"] >= 4
    assert kept(instance) == begun


def test_while_a_run_holds_a_company_no_key_is_written_and_afterwards_the_rotation_succeeds(
    instance: Instance, database_url: str
) -> None:
    before = kept(instance)
    with a_run(database_url):
        for _ in range(2):
            assert "Another run is working" in instance.here("rotate-key").failure()
            assert kept(instance) == before
    assert [p.name for p in instance.home.glob("token.key*")] == ["token.key"]
    instance.prepare("rotate-key")
    assert left_under_former(instance, database_url) == 0
    assert instance.sync()["status"] == "succeeded"


def test_after_a_rotation_the_former_key_is_not_needed_any_more(instance: Instance) -> None:
    instance.prepare("rotate-key")
    file = instance.home / "token.key"
    file.write_text(kept(instance)[0] + "\n")
    assert instance.sync()["status"] == "succeeded"


def test_every_former_key_stays_until_it_is_forgotten_however_often_keys_are_changed(instance: Instance) -> None:
    [first] = kept(instance)
    instance.prepare("rotate-key")
    second = kept(instance)[0]
    instance.prepare("rotate-key")
    assert kept(instance)[1:] == [second, first]
    assert ((instance.home / "token.key").stat().st_mode & 0o777) == 0o600


def test_no_key_is_forgotten_while_a_secret_is_sealed_with_it(instance: Instance) -> None:
    killed(instance, "after the keys were written, before anything is resealed")
    before = kept(instance)
    assert "still sealed with the former key" in instance.here("rotate-key", "--forget-former").failure()
    assert kept(instance) == before


def test_no_key_is_forgotten_while_a_consent_asked_for_under_it_is_waited_for(instance: Instance) -> None:
    current = settings(_env_file=None, home=instance.home)
    folder = instance.home / "consents"
    Pending(folder, Sealer(*token_keys(current))).ask(Asked("New Company", Wanted()))
    instance.prepare("rotate-key")
    before = kept(instance)
    assert "consent" in instance.here("rotate-key", "--forget-former").failure()
    assert kept(instance) == before
    [asked] = folder.iterdir()
    _age(asked, LASTS + 1)
    instance.prepare("rotate-key", "--forget-former")
    assert kept(instance) == before[:1]


def test_keys_that_open_nothing_of_what_is_stored_are_never_made_worse(instance: Instance) -> None:
    """The file of another installation: rotating says so and writes nothing, so that the right one may come back."""
    file = instance.home / "token.key"
    right = file.read_text()
    file.unlink()
    assert "sealed with another key" in instance.here("rotate-key").failure()
    generated = kept(instance)
    assert "sealed with another key" in instance.here("rotate-key").failure()
    assert kept(instance) == generated
    file.write_text(right)
    assert instance.sync()["status"] == "succeeded"


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))
