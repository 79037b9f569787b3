"""Hiding known secrets in what is said."""

from __future__ import annotations

import pytest

from qb_pipeline.errors import FixTheData, PipelineError, PossibleDuplicate, RetryLater
from qb_pipeline.secrecy import remember, without_secrets
from qb_pipeline.settings import settings


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    remember("unmistakable-secret-1")
    assert without_secrets("xunmistakable-secret-1y, unmistakable-secret-1.") == "x•••y, •••."


def test_a_secret_is_hidden_as_it_stands_in_an_address_and_in_json() -> None:
    remember('with/slash "and" é and more')
    assert without_secrets("?key=with%2Fslash%20%22and%22%20%C3%A9%20and%20more&x") == "?key=•••&x"
    assert without_secrets("?key=with%2Fslash+%22and%22+%C3%A9+and+more") == "?key=•••"
    assert without_secrets(r'"with/slash \"and\" \u00e9 and more"') == '"•••"'


def test_a_short_secret_is_hidden_where_it_stands_by_itself_and_words_that_hold_it_stay() -> None:
    remember("pumpkin", "abc")
    assert without_secrets("key=pumpkin; pumpkins, abc") == "key=•••; pumpkins, abc"


def test_of_two_secrets_the_longer_one_is_hidden_whole() -> None:
    remember("secret-number-twenty-one", "secret-number-twenty")
    assert without_secrets("secret-number-twenty-one") == "•••"


def test_nothing_is_remembered_of_nothing() -> None:
    remember(None, "")
    assert without_secrets("nothing  here") == "nothing  here"


@pytest.mark.parametrize("kind", [PipelineError, FixTheData, PossibleDuplicate])
def test_no_error_carries_a_secret_in_any_of_its_parts(kind: type[PipelineError]) -> None:
    remember("the-key-of-the-company")
    told = kind("It said the-key-of-the-company.", code="the-key-of-the-company", fix="Not the-key-of-the-company.")
    assert (told.cause, told.code, told.fix) == ("It said •••.", "•••", "Not •••.")
    assert "the-key" not in f"{told} {told!r} {told.args}"


def test_the_field_and_the_reference_of_an_error_carry_none_either() -> None:
    remember("the-key-of-the-company")
    told = FixTheData("x", code="x", fix="x", field="the-key-of-the-company", reference="a the-key-of-the-company")
    assert (told.field, told.reference) == ("•••", "a •••")
    assert RetryLater("x", code="x").field is None


def test_every_secret_of_the_settings_is_hidden_and_so_is_the_password_in_an_address() -> None:
    settings(
        _env_file=None,
        token_key="first-key-of-two-keys=,second-key-of-two-keys=",
        smtp_password="the-mail-password-of-ours",
        database_url="postgresql://user:the-database-password@host/db",
    )
    text = "second-key-of-two-keys= the-mail-password-of-ours the-database-password first-key-of-two-keys="
    assert without_secrets(text) == "••• ••• ••• •••"
