"""Settings from the environment, the key file, and the example file."""

import base64
import stat
from pathlib import Path

import pytest

from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import Settings, env_example, settings, token_key


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"QB_{name.upper()}", raising=False)


def test_defaults_stand_under_the_current_folder(tmp_path: Path) -> None:
    current = settings()
    assert current.home == tmp_path / ".qb"
    assert current.companies == tmp_path / ".qb" / "companies"
    assert (current.environment, current.rate_scale, current.database_url) == ("production", 1.0, None)


def test_the_environment_and_the_env_file_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("QB_CLIENT_ID=from-file\nQB_ENVIRONMENT=sandbox\nOTHER=1\n")
    monkeypatch.setenv("QB_CLIENT_ID", "from-environment")
    assert (settings().client_id, settings().environment) == ("from-environment", "sandbox")


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QB_RATE_SCALE", "-1")
    with pytest.raises(Misconfigured, match="QB_RATE_SCALE"):
        settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QB_CLIENT_SECRET", "hush")
    monkeypatch.setenv("QB_DATABASE_URL", "postgresql://u:hush@h/d")
    assert "hush" not in repr(settings())


def test_the_key_is_generated_once_and_private() -> None:
    current = settings()
    first = token_key(current)
    file = current.home / "token.key"
    assert len(first) == 32
    assert token_key(current) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in current.home.iterdir()] == ["token.key"]


def test_a_key_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QB_TOKEN_KEY", base64.b64encode(b"k" * 32).decode())
    current = settings()
    assert token_key(current) == b"k" * 32
    assert not current.home.exists()


@pytest.mark.parametrize("key", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_bad_key_is_refused_rather_than_replaced(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("QB_TOKEN_KEY", key)
    with pytest.raises(Misconfigured, match="QB_TOKEN_KEY does not hold 32 bytes"):
        token_key(settings())


def test_the_example_describes_every_variable_and_can_be_used_as_it_is(tmp_path: Path) -> None:
    text = env_example()
    assert all(f"\n#QB_{name.upper()}=" in text for name in Settings.model_fields)
    assert all(field.description for field in Settings.model_fields.values())
    (tmp_path / ".env").write_text(text.replace("\n#QB_", "\nQB_"))
    assert settings() == Settings()
