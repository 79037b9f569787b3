"""What of an address is taken and what is shown."""

from __future__ import annotations

import pytest

from qb_pipeline.addresses import refuse_userinfo, shown
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
