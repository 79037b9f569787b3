"""What of an address is taken and what is shown."""

from __future__ import annotations

import pytest

from qb_pipeline.addresses import redirect_address, refuse_userinfo, shown
from qb_pipeline.errors import Misconfigured


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://host.example/login?token=secret#secret", "https://host.example/login"),
        ("https://user:secret@host.example:8443/login", "https://host.example:8443/login"),
        ("https://user:sec/ret@host.example/login", "https://host.example/login"),
        ("/login?token=secret", "/login"),
        ("//host.example/login;x?secret", "//host.example/login;x"),
        ("user:secret@host.example/login", "host.example/login"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("?token=secret", "another address"),
        ("", "another address"),
        ("https://[secret/", "an address that can't be read"),
    ],
)
def test_of_an_address_scheme_host_and_path_are_shown(address: str, told: str) -> None:
    assert shown(address) == told


@pytest.mark.parametrize(
    "address", ["https://user:secret@host", "https://secret@host", "user:secret@host", "https://user:sec/ret@host"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        refuse_userinfo(address, "address of the office", "Give it alone.")
    assert str(refused.value) == "The address of the office holds a user name or a password. Give it alone."


def test_an_address_without_one_passes() -> None:
    refuse_userinfo("https://host.example:8443/api", "address", "")


@pytest.mark.parametrize(
    "address",
    [
        "https://books.example.com/oauth/callback",
        "https://books.example.com:8443",
        "http://localhost:8050/oauth/callback",
        "http://127.0.0.1:0/oauth/callback",
        "http://[::1]:8050/",
    ],
)
def test_an_address_that_intuit_sends_browsers_back_to_is_taken_as_it_is(address: str) -> None:
    assert redirect_address(address, "address") == address


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "whole address"),
        ("books.example.com/oauth/callback", "whole address"),
        ("/oauth/callback", "whole address"),
        ("https://", "whole address"),
        ("https:///oauth/callback", "whole address"),
        ("ftp://books.example.com/", "whole address"),
        ("javascript:alert(1)", "whole address"),
        ("http://books.example.com/oauth/callback", "https"),
        ("http://localhost.example.com/", "https"),
        ("https://books.example.com/oauth#callback", "fragment"),
        ("https://books.example.com/oauth#", "fragment"),
        ("https://user:secret@books.example.com/", "user name or a password"),
        ("https://books.example.com:99999/", "can't be read"),
        ("https://[books/", "can't be read"),
        ("https://books.example.com/a b", "space"),
        ("https://books.example.com/\noauth", "space or a control character"),
    ],
)
def test_an_address_nobody_can_be_sent_back_to_is_refused_with_its_reason(address: str, reason: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        redirect_address(address, "address in --redirect-uri")
    line = str(refused.value)
    assert line.startswith("The address in --redirect-uri ")
    assert reason in line
    assert "\n" not in line
    assert "secret" not in line
