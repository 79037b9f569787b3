"""Where secrets must not stand: whatever happens, in no output, log, file, table, run or event in clear.

Invariant shown here: an installation full of known secrets goes through success and all kinds of failure, also under
Dagster, and then everything it left behind is read as text; what opens the company stands there sealed or not at all.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest import mock

import psycopg
import pytest
import simplejson
from dagster import DagsterInstance
from psycopg import sql
from sqlalchemy.engine import make_url

from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.running import SyncRun, run_sync
from qb_pipeline.defs.store import close_stores
from qb_pipeline.quickbooks.clock import SystemClock
from qb_pipeline.settings import settings, token_keys
from qb_pipeline.store.engine import make_engine
from qb_pipeline.store.sealing import Sealer
from qb_pipeline.store.tokens import TokenStore
from qb_pipeline_tests.end_to_end.harness import COMPANY
from qb_pipeline_tests.end_to_end.hostile import NONSENSE, Answer, Rule, Spoil
from qb_pipeline_tests.end_to_end.hostile_office import Office, clear, connecting, hostile_office
from qb_pipeline_tests.end_to_end.test_failing_ground import EVERY, cut, meanwhile


def letters_of(text: str) -> str:
    """What is left of a text whose digits and signs were taken for spaces."""
    return re.sub(r"[^a-z]+", "", text.casefold())


@dataclass
class Watched:
    """The office, every secret it ever held, and everything its commands said."""

    office: Office
    secrets: dict[str, str]
    said: list[str] = field(default_factory=list)

    def command(self, *words: str) -> int:
        ended = self.office.command(*words)
        self.said.append(ended.out + ended.err)
        self.note_tokens()
        return ended.code

    def note_tokens(self) -> None:
        """Remember the pair that is valid now: each refresh makes another."""
        chosen = settings(_env_file=None, home=self.office.made.home, token_key=self.secrets["token key"])
        engine = make_engine(self.office.made.database_url)
        pair = TokenStore(engine, COMPANY, Sealer(*token_keys(chosen))).read()
        engine.dispose()
        self.secrets |= {
            f"access {len(self.secrets)}": pair.access_token,
            f"refresh {len(self.secrets)}": pair.refresh_token,
        }

    @property
    def newest_token(self) -> str:
        """The access token that is valid now."""
        return [secret for name, secret in self.secrets.items() if name.startswith("access")][-1]

    def found_in(self, text: str) -> list[str]:
        """The names of the secrets that stand in a text: plainly, as bytes in hex, in base64, or put into words."""
        letters = letters_of(text)
        return [
            name
            for name, secret in self.secrets.items()
            if any(form in text for form in (secret, secret.encode().hex(), base64.b64encode(secret.encode()).decode()))
            or letters_of(secret) in letters
        ]

    def tables(self) -> str:
        """Every row of every table of the database, ours and Dagster's, as text."""
        rows: list[str] = []
        with psycopg.connect(self.office.address) as conn:
            named = conn.execute(
                "select schemaname, tablename from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema')"
            ).fetchall()
            for schema, table in named:
                statement = sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table))
                rows += [f"{schema}.{table}: {text}" for (text,) in conn.execute(statement)]
        return "\n".join(rows)

    def files(self) -> str:
        found = [p for p in self.office.made.home.rglob("*") if p.is_file()]
        return "\n".join(f"{p}: {p.read_bytes().decode(errors='replace')}" for p in found)


@pytest.fixture(scope="module")
def watched(template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    planted = {
        name: f"{name.replace(' ', '-')}-{secrets.token_hex(12)}"
        for name in ("verifier token", "webhook secret", "smtp password", "console key", "database password")
    }
    planted["token key"] = base64.b64encode(secrets.token_bytes(32)).decode()
    with (
        pytest.MonkeyPatch.context() as patched,
        hostile_office(tmp_path_factory.mktemp("secrets"), template_url, "secrets") as office,
    ):
        patched.setattr(SystemClock, "sleep", lambda _self, _seconds: None)
        made = office.made
        made.database_url = (
            make_url(made.database_url).set(password=planted["database password"]).render_as_string(hide_password=False)
        )
        office.environment |= {
            "QB_TOKEN_KEY": planted["token key"], "QB_SMTP_HOST": "127.0.0.1", "QB_SMTP_PORT": "9",
            "QB_SMTP_USER": "pipeline", "QB_SMTP_PASSWORD": planted["smtp password"], "QB_SMTP_TLS": "tls",
            "QB_MAIL_FROM": "a@example.com", "QB_MAIL_TO": "b@example.com", "QB_LOG_LEVEL": "DEBUG",
            "QB_CONSOLE_KEY": planted["console key"],
        }  # fmt: skip
        planted |= {"client secret": made.quickbooks.info["client_secret"], "API key": made.contractor.info["api_key"]}
        words = connecting(office, verifier_token=planted["verifier token"], webhook_secret=planted["webhook secret"])
        office.command(*words).success()
        yield Watched(office, planted)


@pytest.fixture(scope="module")
def troubled(watched: Watched) -> Watched:
    """Success, then one failure after another."""
    office = watched.office
    office.customers(2)
    assert watched.command("sync", "--json") == 0
    for name in ("a page with 200", "a fault in a 200", "half a document", "broken gzip", "a redirect"):
        with office.between.spoiling(Rule("GET .*/cdc", NONSENSE[name])):
            assert watched.command("--debug", "sync") == 1
    with office.before_own.spoiling(Rule("GET .*/customers", NONSENSE["a list"])):
        assert watched.command("sync") == 1
        assert watched.command("--debug", "sync") == 1
    for name in ("half a document", "a list", "an empty body"):
        with psycopg.connect(office.address) as conn:
            conn.execute("update qb.token set access_expires_at = now()")
        with office.between.spoiling(Rule("POST .*/tokens/bearer", NONSENSE[name])):
            assert watched.command("--debug", "sync") == 1
    office.customers(2)
    with office.between.spoiling(Rule("POST .*/batch", NONSENSE["NaN"])):
        watched.command("sync", "--json")
    with office.between.spoiling(Rule("GET .*/cdc", meanwhile(lambda: cut(office, EVERY)), times=1)):
        assert watched.command("--debug", "sync") == 1
    with mock.patch.dict(office.environment, {"QB_TOKEN_KEY": base64.b64encode(bytes(32)).decode()}):
        assert watched.command("--debug", "sync") == 1
    with mock.patch.dict(office.environment, {"QB_SMTP_PORT": "none"}):
        assert watched.command("--debug", "status") == 1
    unreachable = office.address.replace("host=", "host=/nowhere")
    with mock.patch.dict(office.environment, {"QB_DATABASE_URL": unreachable}):
        assert watched.command("--debug", "status") == 1
    assert watched.command(*connecting(office, contractor_key="wrong-key")) == 1
    assert watched.command("sync", "--json") == 0
    for words in (("status",), ("health",), ("errors", "list", "--json"), ("notices", "send"), ("env-example",)):
        watched.command(*words)
    return watched


def test_no_command_said_a_secret_in_success_or_failure(troubled: Watched) -> None:
    assert len(troubled.said) == 23
    assert troubled.found_in("\n".join(troubled.said)) == []


def test_no_file_of_the_home_holds_a_secret(troubled: Watched) -> None:
    files = troubled.files()
    assert "quickbooks_call_failed" in files, "the log was not among them"
    assert troubled.found_in(files) == []


def test_no_table_holds_a_secret_in_clear_and_the_sealed_ones_open_with_the_key(troubled: Watched) -> None:
    tables = troubled.tables()
    assert "qb.token: " in tables
    assert troubled.found_in(tables) == []


def test_what_is_searched_for_would_be_found(troubled: Watched) -> None:
    """The search itself: each secret, put into the log of what runs did, is seen in each of its forms."""
    with psycopg.connect(troubled.office.address) as conn:
        for name, secret in troubled.secrets.items():
            conn.execute("update qb.run set error = %s", (f"it said {secret} here",))
            row = conn.execute("select t::text from qb.run t limit 1").fetchone()
            assert row is not None
            assert name in troubled.found_in(row[0])
            assert name in troubled.found_in(" ".join(re.findall(r"[A-Za-z]+", f"Correct the {secret} there")))
        conn.rollback()


# Answers that repeat what they were asked with.

_REPEATED = ("API key", "client secret", "verifier token", "webhook secret", "smtp password", "database password")


def repeating(status: int, words: str) -> Spoil:
    """A refusal of the contractor system's whose code, message and field are all these words."""
    error = {"code": words, "message": f"refused for {words}, sorry", "field": words}
    return lambda _sent, _true: Answer(status, body=simplejson.dumps({"error": error}).encode())


def page_with(words: str) -> Spoil:
    """A page in which they stand where the quotation of it ends."""
    return lambda _sent, _true: Answer(200, "text/html", f"<html>{'-' * 40}{words}".encode())


def sent_on_with(words: str) -> Spoil:
    place = f"https://user:{words}@login.example.com/start?token={words}#{words}"
    return lambda _sent, _true: Answer(302, headers=(("Location", place),))


def fault_with(words: str, *, before: int = 0) -> Spoil:
    """A fault of QuickBooks', the words `before` characters from its beginning."""
    fault = {"Error": [{"Message": "refused", "Detail": f"{'-' * before}{words}", "code": "2020", "element": words}]}
    body = simplejson.dumps({"Fault": fault | {"type": "ValidationFault"}}).encode()
    return lambda _sent, _true: Answer(400, body=body)


@pytest.fixture(scope="module")
def repeated(troubled: Watched) -> Watched:
    """Both systems repeat secrets in every kind of refusal, and one command more shows what was stored of it."""
    office, key = troubled.office, troubled.secrets["API key"]
    everything = " ".join(troubled.secrets[name] for name in _REPEATED)
    tokens = " ".join(secret for name, secret in troubled.secrets.items() if name.startswith(("access", "refresh")))
    own = [repeating(status, everything) for status in (401, 403, 404, 409, 422, 503)]
    for spoil in (*own, page_with(key), sent_on_with(key)):
        with office.before_own.spoiling(Rule("GET .*/customers", spoil)):
            assert troubled.command("--debug", "sync") == 1
        troubled.command("status")
    for spoil in (fault_with(f"{everything} {tokens}"), fault_with(troubled.newest_token, before=290)):
        with office.between.spoiling(Rule("GET .*/cdc", spoil)):
            assert troubled.command("--debug", "sync") == 1
        troubled.command("status", "--json")
    made = office.customers(1)
    with office.between.spoiling(Rule("POST .*/(batch|customer)", fault_with(tokens), applied=False)):
        troubled.command("sync", "--json")
    troubled.command("errors", "list", "--json")
    troubled.command("errors", "retry", "--all")
    assert troubled.command("sync", "--json") == 0
    office.once(made)
    return troubled


def test_no_command_says_a_secret_that_an_answer_repeated(repeated: Watched) -> None:
    said = "\n".join(repeated.said)
    assert "refused for •••" in said
    assert "redirects to https://login.example.com/start. " in said
    assert repeated.found_in(said) == []
    assert repeated.secrets["API key"][:12] not in said, "half a secret is one too"
    assert repeated.newest_token[:8] not in said


def test_nothing_that_an_answer_repeated_is_kept_in_a_table_or_a_file(repeated: Watched) -> None:
    tables = repeated.tables()
    assert "refused for •••" in tables
    assert repeated.found_in(tables) == []
    assert repeated.found_in(repeated.files()) == []


@pytest.mark.parametrize("option", ["contractor_url", "quickbooks_api", "quickbooks_discovery"])
@pytest.mark.parametrize(
    "spelling",
    ["http://user:{}@127.0.0.1:9/x", "http://{}@127.0.0.1:9", "user:{}@127.0.0.1", "http://u:p/{}@127.0.0.1"],
)
def test_an_address_with_a_password_is_refused_without_repeating_it(
    repeated: Watched, option: str, spelling: str
) -> None:
    password = f"planted-{secrets.token_hex(12)}"
    ended = repeated.office.command(*connecting(repeated.office, **{option: spelling.format(password)}))
    line = ended.failure()
    assert "holds a user name or a password" in line
    assert ("--contractor-key" if option == "contractor_url" else "--client-secret") in line
    assert password not in ended.out + ended.err
    assert password not in repeated.tables() + repeated.files()


def test_a_password_in_an_address_of_the_settings_is_refused_without_repeating_it(repeated: Watched) -> None:
    with mock.patch.dict(repeated.office.environment, {"QB_REDIRECT_URI": "https://user:planted-words@127.0.0.1/cb"}):
        ended = repeated.office.command("status")
    assert "QB_REDIRECT_URI holds a user name or a password" in ended.failure()
    assert "planted-words" not in ended.out + ended.err


def test_a_password_in_an_address_stored_by_an_earlier_version_is_not_shown_and_a_sync_says_what_to_do(
    repeated: Watched,
) -> None:
    office = repeated.office
    [row] = office.made.rows("select contractor_url from company")
    with_password = office.before_own.address.replace("http://", "http://user:planted-words@")
    with psycopg.connect(office.address) as conn:
        conn.execute("update qb.company set contractor_url = %s", (with_password,))
    for words in (("status",), ("status", "--json"), ("sync",)):
        ended = office.command(*words)
        assert "planted-words" not in ended.out + ended.err
    assert "holds a user name or a password" in ended.failure()
    with psycopg.connect(office.address) as conn:
        conn.execute("update qb.company set contractor_url = %s", (row["contractor_url"],))
    assert repeated.command("sync") == 0


# The same under Dagster.


@pytest.fixture(scope="module")
def orchestrated(troubled: Watched) -> Iterator[tuple[Watched, list[SyncRun]]]:
    """A run that loses the database in the middle, one that meets nonsense, and one that succeeds."""
    office = troubled.office
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QB_")}
    own = {
        **office.environment, "QB_HOME": str(office.made.home), "QB_DATABASE_URL": office.address, "QB_RATE_SCALE": "0",
    }  # fmt: skip
    runs: list[SyncRun] = []
    with mock.patch.dict(os.environ, kept | own, clear=True):
        chosen = settings(_env_file=None)
        prepare(chosen)
        with DagsterInstance.get() as instance:
            office.customers(2)
            since = office.made.quickbooks.requests_since(0)[1]
            with office.between.spoiling(Rule("POST .*/batch", meanwhile(lambda: cut(office, EVERY)), times=1)):
                runs.append(run_sync(chosen, COMPANY, instance))
            sent = [r for r in office.made.quickbooks.requests_since(since)[0] if "/batch" in r["path"]]
            assert len(sent) == 1, "it went on without its lock"
            runs.append(run_sync(chosen, COMPANY, instance))
        close_stores()
        troubled.note_tokens()
    yield troubled, runs


def test_a_dagster_run_that_loses_the_database_fails_with_one_clear_line_and_the_next_one_completes(
    orchestrated: tuple[Watched, list[SyncRun]],
) -> None:
    troubled, (lost, after) = orchestrated
    assert not lost.success
    assert lost.error is not None
    clear(f"error: {lost.error}")
    assert "database" in lost.error
    assert after.success, after.error
    troubled.office.heal()
    troubled.office.judged()


def test_neither_dagsters_events_and_tags_nor_its_files_hold_a_secret(
    orchestrated: tuple[Watched, list[SyncRun]],
) -> None:
    troubled, runs = orchestrated
    tables = troubled.tables()
    assert "public.event_logs: " in tables
    assert runs[0].run_id in tables
    assert troubled.found_in(tables) == []
    assert troubled.found_in(troubled.files()) == []
