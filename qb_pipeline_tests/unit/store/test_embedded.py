"""The embedded server: shared, stopped by its last user, and back after crashes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import settings
from qb_pipeline.store import embedded

_USING = """
import sys
from pathlib import Path
from qb_pipeline.store import embedded

print(embedded.ensure(Path(sys.argv[1]), durable=len(sys.argv) > 2), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="qb-embedded-"))
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder)


def user(home: Path, *flags: str) -> tuple[subprocess.Popen[str], str]:
    """A process that uses the server of `home` until it is told to end; with a flag the server is crash-safe."""
    command = [sys.executable, "-c", _USING, str(home), *flags]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def answers(url: str) -> bool:
    try:
        psycopg.connect(embedded.plain_url(url), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def server_pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def test_two_processes_share_one_server_and_only_the_last_stops_it(home: Path) -> None:
    first, url = user(home)
    pid = server_pid(home)
    second, same = user(home)
    assert (same, server_pid(home)) == (url, pid)
    end(first)
    assert answers(url)
    end(second)
    assert not answers(url)


def test_two_processes_starting_at_once_end_with_one_server(home: Path) -> None:
    command = [sys.executable, "-c", _USING, str(home)]
    pair = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    urls = [process.stdout.readline() for process in pair if process.stdout]
    assert len(set(urls)) == 1
    assert answers(urls[0].strip())
    for process in pair:
        end(process)


def test_a_killed_user_leaves_no_claim_behind(home: Path) -> None:
    killed, url = user(home)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert answers(url)
    last, _ = user(home)
    end(last)
    assert not answers(url)


def test_a_killed_server_is_started_again_with_its_data(home: Path) -> None:
    process, url = user(home, "durable")
    with psycopg.connect(embedded.plain_url(url), autocommit=True) as conn:
        conn.execute("CREATE TABLE kept (n int)")
    os.kill(server_pid(home), signal.SIGKILL)
    again, _ = user(home)
    with psycopg.connect(embedded.plain_url(url)) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    end(again)
    end(process)


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_matter(home: Path) -> None:
    process, url = user(home)
    pid_file = home / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    end(process)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    again, _ = user(home)
    assert answers(url)
    end(again)


def test_both_databases_exist_and_dagster_gets_a_plain_address(home: Path) -> None:
    process, _ = user(home)
    current = settings(home=home, database_url=None)
    url = embedded.database_url(current)
    assert url.startswith("postgresql+psycopg://")
    dagster = embedded.dagster_url(current)
    assert dagster.startswith("postgresql://")
    with psycopg.connect(dagster) as conn:
        assert conn.execute("SELECT current_database()").fetchone() == ("dagster",)
    end(process)


def test_a_path_too_long_for_a_socket_works(home: Path) -> None:
    deep = home / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    process, url = user(deep)
    assert answers(url)
    end(process)
    shutil.rmtree(url.partition("host=")[2])


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "127.0.0.1"),
        ("mysql://x/y", "no postgresql:// address"),
        ("postgresql://u:hush@[::1", "its address can't be read"),
    ],
)
def test_an_unreachable_server_is_one_clear_line(address: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match="QB_DATABASE_URL can't be used") as caught:
        embedded.database_url(settings(database_url=address))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_real_server_is_used_with_our_driver(template_url: str) -> None:
    current = settings(database_url=embedded.plain_url(template_url))
    assert embedded.database_url(current) == template_url
    assert embedded.dagster_url(current) == embedded.plain_url(template_url)
