"""Mail over SMTP, against a real server on a socket."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qb_pipeline.errors import Misconfigured, RetryLater
from qb_pipeline.notify.mail import MailServer, connection, server_of
from qb_pipeline.notify.wording import Mail
from qb_pipeline.secrecy import remember
from qb_pipeline.settings import Settings, settings
from qb_pipeline_tests.unit.health.postbox import PASSWORD, SENDER, USER, Postbox, free_port, postbox

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MAIL = Mail(
    "k1", "Acme: it broke", "What <b>broke</b> & why.\n\n2 records: no customer\n- Invoice 1\n- Invoice 2\n", NOON, (1,)
)


def server(current: Settings) -> MailServer:
    found = server_of(current)
    assert found is not None
    return found


def send(current: Settings, mail: Mail = MAIL) -> None:
    with connection(server(current)) as post:
        post(mail)


def refusal(current: Settings) -> RetryLater:
    with pytest.raises(RetryLater) as caught:
        send(current)
    return caught.value


def test_a_mail_goes_to_everybody_as_text_and_as_html(box: Postbox) -> None:
    send(box.settings())
    assert box.recipients == [["office@example.com", "accountant@example.com"]]
    [mail] = box.mails
    assert (mail["From"], mail["Subject"]) == (SENDER, "[qb-pipeline] Acme: it broke")
    assert mail["Message-ID"] == "<k1@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert box.text().splitlines() == MAIL.text.splitlines()
    assert "<p>What &lt;b&gt;broke&lt;/b&gt; &amp; why.</p>" in box.html()
    assert "<li>Invoice 1</li>" in box.html()


def test_names_in_any_script_and_line_breaks_in_a_title_arrive_as_one_subject(box: Postbox) -> None:
    send(box.settings(), Mail("k2", "Müller & Søn ✓:\nBcc: all@example.com", "Ünïcode\n", NOON, (2,)))
    assert box.subjects == ["Müller & Søn ✓: Bcc: all@example.com"]
    assert box.mails[0]["Bcc"] is None
    assert box.text().strip() == "Ünïcode"


def test_with_starttls_the_login_and_the_mail_are_encrypted(tmp_path: Path) -> None:
    with postbox(tmp_path, tls=True) as box:
        send(box.settings(smtp_tls="starttls", smtp_ca=box.ca, smtp_user=USER, smtp_password=PASSWORD))
        assert box.encrypted == [True]


def test_a_server_whose_certificate_is_not_trusted_gets_neither_login_nor_mail(tmp_path: Path) -> None:
    with postbox(tmp_path, tls=True) as box:
        error = refusal(box.settings(smtp_tls="starttls", smtp_user=USER, smtp_password=PASSWORD))
        assert error.code == "mail_refused"
        assert "can't be trusted" in error.cause
        assert box.mails == []


def test_a_wrong_password_is_named_as_the_cause_and_not_repeated(tmp_path: Path) -> None:
    with postbox(tmp_path, tls=True) as box:
        wrong = "a wrong password"
        error = refusal(box.settings(smtp_tls="starttls", smtp_ca=box.ca, smtp_user=USER, smtp_password=wrong))
        assert "refuses the login (535)" in error.cause
        assert wrong not in str(error)
        assert "QB_SMTP_PASSWORD" in error.fix


def test_a_server_without_starttls_gets_nothing_where_starttls_is_wanted(box: Postbox) -> None:
    error = refusal(box.settings(smtp_tls="starttls"))
    assert "offers no STARTTLS" in error.cause
    assert box.mails == []


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    gone = Postbox(free_port(), tmp_path)
    error = refusal(gone.settings())
    assert (error.code, "can't be reached" in error.cause) == ("mail_unreachable", True)


def test_what_the_server_says_to_a_mail_it_refuses_is_told(box: Postbox) -> None:
    box.refusals.append("552 The mailbox is full")
    error = refusal(box.settings())
    assert "552 The mailbox is full" in error.cause


def test_what_the_server_says_is_cut_only_after_secrets_are_hidden(box: Postbox) -> None:
    remember("a-password-that-it-repeats")
    box.refusals.append(f"552 {'-' * 190} a-password-that-it-repeats")
    assert refusal(box.settings()).cause.endswith("- •••).")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"mail_to": None}, "QB_MAIL_TO"),
        ({"mail_from": None}, "QB_MAIL_FROM"),
        ({"mail_to": "office"}, "QB_MAIL_TO"),
        ({"mail_from": "a@example.com, b@example.com"}, "QB_MAIL_FROM"),
        ({"smtp_user": USER, "smtp_password": PASSWORD}, "in the clear"),
        ({"smtp_user": USER, "smtp_tls": "tls"}, "QB_SMTP_PASSWORD"),
    ],
)
def test_half_a_setting_is_named(box: Postbox, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        server_of(box.settings(**wrong))
    assert named in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_without_a_host_there_is_no_mail_server(tmp_path: Path) -> None:
    assert server_of(settings(_env_file=None, home=tmp_path)) is None


def test_the_port_follows_from_the_kind_of_tls(box: Postbox) -> None:
    ports = [server(box.settings(smtp_port=None, smtp_tls=kind)).port for kind in ("none", "starttls", "tls")]
    assert ports == [25, 587, 465]
    assert PASSWORD not in repr(server(box.settings(smtp_tls="tls", smtp_user=USER, smtp_password=PASSWORD)))
