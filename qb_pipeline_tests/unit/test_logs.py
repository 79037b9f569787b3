"""The program's own log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from qb_pipeline import logs
from qb_pipeline.secrecy import remember
from qb_pipeline.settings import settings


@pytest.fixture
def unconfigured() -> Iterator[None]:
    kept, configured = structlog.get_config(), structlog.is_configured()
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if configured:
        structlog.configure(**kept)


@pytest.mark.usefixtures("unconfigured")
def test_no_line_of_the_log_file_holds_a_secret_whoever_put_it_there(tmp_path: Path) -> None:
    remember('the "key" of the door')
    logs.to_file(settings(_env_file=None, home=tmp_path))
    structlog.get_logger().info("it_said", said='opens with the "key" of the door', count=3)
    line = (tmp_path / "logs" / logs.NAME).read_text()
    assert '"said": "opens with •••"' in line
    assert "door" not in line


@pytest.mark.usefixtures("unconfigured")
def test_no_line_on_the_terminal_holds_one_either(capsys: pytest.CaptureFixture[str]) -> None:
    remember("the-key-of-the-house")
    logs.to_terminal()
    structlog.get_logger().warning("it_said", said="opens with the-key-of-the-house")
    assert "opens with •••" in capsys.readouterr().err
