"""Headers, keys, versions, paging: how the reference API is spoken."""

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from qb_pipeline_tests.sandbox.contractor.conftest import code
from qb_pipeline_tests.sandbox.kernel.running import Client, contractor


def test_a_wrong_key_is_401(client: Client) -> None:
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": client.first_line["api_key"]}):
        answer = requests.get(f"{client.base_url}/api/v1/terms", headers=header, timeout=10)
        assert code(answer) == (401, "unauthorized", "Authorization")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "terms/trm_1"), ("DELETE", "terms"), ("POST", "terms/trm_1"), ("GET", "invoices/inv_1/void")],
)
def test_a_method_that_a_path_does_not_have_is_405(client: Client, method: str, path: str) -> None:
    answer = client.call(method, f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_lists_cannot_be_voided(client: Client) -> None:
    made = client.made("terms", {"name": "Net 5"})
    assert client.void(f"terms/{made['id']}").status_code == 404
    assert client.void("deposits/dep_000001").status_code == 404


def test_an_unknown_id_is_404(client: Client) -> None:
    assert client.get("terms/trm_999999").status_code == 404
    assert client.patch("terms/trm_999999", {}, "1").status_code == 404
    assert client.delete("terms/trm_999999").status_code == 404


def test_a_body_that_is_no_json_object_is_400(client: Client) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    for body in (b"{", b"[]", b"", b"\xff\xfe", b"[" * 100_000):
        answer = client.call("POST", "/api/v1/terms", data=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_json")


def test_a_body_of_another_type_is_415(client: Client) -> None:
    answer = client.call("POST", "/api/v1/terms", data={"name": "x"}, headers={"Idempotency-Key": "k"})
    assert code(answer) == (415, "unsupported_media_type", "Content-Type")


def test_a_create_without_a_key_is_400(client: Client) -> None:
    assert code(client.call("POST", "/api/v1/terms", json={"name": "x"}))[:2] == (400, "idempotency_key_required")
    assert client.post("terms", {"name": "x"}, key="k" * 256).status_code == 400


def test_the_same_key_and_body_give_the_same_answer_once_created(client: Client) -> None:
    first = client.post("terms", {"name": "Net 10", "due_days": 10}, key="same")
    changed = client.patch(f"terms/{first.json()['id']}", {"name": "Net ten"}, "1")
    again = client.post("terms", {"due_days": 10, "name": "Net 10"}, key="same")
    assert changed.json()["version"] == "2"
    assert (again.status_code, again.content) == (201, first.content)


def test_the_same_key_with_another_body_or_collection_is_409(client: Client) -> None:
    client.post("terms", {"name": "Net 11"}, key="reused")
    for collection, body in (("terms", {"name": "Net 12"}), ("divisions", {"name": "Net 11"})):
        answer = client.post(collection, body, key="reused")
        assert code(answer) == (409, "idempotency_key_reused", "Idempotency-Key")


def test_one_key_sent_by_many_threads_creates_one_record(client: Client) -> None:
    answers: list[Any] = []

    def send() -> None:
        headers = {"Idempotency-Key": "race", "Authorization": f"Bearer {client.first_line['api_key']}"}
        url = f"{client.base_url}/api/v1/terms"
        answers.append(requests.post(url, json={"name": "Raced"}, headers=headers, timeout=20))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_change_needs_the_version_it_was_made_from(client: Client) -> None:
    path = f"terms/{client.made('terms', {'name': 'Net 20'})['id']}"
    assert code(client.call("PATCH", f"/api/v1/{path}", json={"name": "x"})) == (428, "version_required", "If-Match")
    assert client.patch(path, {"name": "Net twenty"}, "1").headers["etag"] == '"2"'
    assert code(client.patch(path, {"name": "x"}, "1")) == (412, "stale_version", "If-Match")
    assert client.delete(path, headers={"If-Match": '"1"'}).status_code == 412
    assert client.one(path)["name"] == "Net twenty"


def test_a_patch_that_changes_nothing_keeps_the_version(client: Client) -> None:
    made = client.made("terms", {"name": "Net 40"})
    path = f"terms/{made['id']}"
    assert client.patch(path, made, "1").json() == made
    assert code(client.patch(path, made | {"version": "9"}, "1")) == (422, "read_only", "version")


def test_a_deleted_record_can_no_longer_change(client: Client) -> None:
    path = f"terms/{client.made('terms', {'name': 'Net 50'})['id']}"
    client.delete(path)
    assert code(client.patch(path, {"name": "x"}, "2"))[:2] == (409, "deleted")


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("limit", "0", "bad_parameter"),
        ("limit", "501", "bad_parameter"),
        ("limit", "ten", "bad_parameter"),
        ("limit", "9" * 5000, "bad_parameter"),
        ("include_deleted", "1", "bad_parameter"),
        ("updated_since", "yesterday", "bad_parameter"),
        ("updated_since", "2026-01-01T00:00:00", "bad_parameter"),
        ("updated_since", "0001-01-01T00:00:00+10:00", "bad_parameter"),
        ("cursor", "!!", "bad_parameter"),
        ("cursor", "e30=", "bad_parameter"),
        ("page", "2", "unknown_parameter"),
    ],
)
def test_a_query_parameter_that_is_not_understood_is_400(
    client: Client, parameter: str, value: str, expected: str
) -> None:
    assert code(client.get("terms", **{parameter: value})) == (400, expected, parameter)


def test_updated_since_includes_its_moment_in_any_zone(client: Client) -> None:
    first, second = (client.made("locations", {"name": name}) for name in ("North", "South"))
    moment = second["updated_at"]
    assert [one["id"] for one in client.get("locations", updated_since=moment).json()["data"]] == [second["id"]]
    listed = client.get("locations", updated_since=first["updated_at"].replace("Z", "+00:00")).json()["data"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    unescaped = client.call("GET", f"/api/v1/locations?updated_since={moment.replace('Z', '+00:00')}")
    assert [one["id"] for one in unescaped.json()["data"]] == [second["id"]]


def test_deleted_records_are_listed_only_when_asked_for(client: Client) -> None:
    made = client.made("payment_methods", {"name": "Barter"})
    client.delete(f"payment_methods/{made['id']}")
    assert client.get("payment_methods").json() == {"data": [], "next_cursor": None}
    (listed,) = client.get("payment_methods", include_deleted="true").json()["data"]
    assert listed["deleted_at"] is not None


def paged(client: Client, collection: str, limit: int, between: Any = None) -> list[str]:
    """The ids of all pages, calling `between` after each."""
    ids: list[str] = []
    parameters: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get(collection, **parameters).json()
        assert len(page["data"]) <= limit
        ids += [one["id"] for one in page["data"]]
        if page["next_cursor"] is None:
            return ids
        parameters["cursor"] = page["next_cursor"]
        if between:
            between()


def test_times_strictly_rise_over_all_collections(client: Client) -> None:
    times = [client.made(name, {"name": "x"})["updated_at"] for name in ("divisions", "terms") * 20]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_paging_shows_each_record_once_while_others_are_inserted_and_times_are_equal(tmp_path: Path) -> None:
    lines = [
        f'{{"id": "div_{number:06d}", "name": "D{number}", "updated_at": "2026-01-01T00:00:00Z"}}'
        for number in range(1, 26)
    ]
    (tmp_path / "divisions.jsonl").write_text("\n".join(reversed(lines)))
    with contractor("--data", tmp_path) as client:
        added: list[str] = []

        def insert() -> None:
            if len(added) < 3:
                added.append(client.made("divisions", {"name": "New"})["id"])

        ids = paged(client, "divisions", 4, insert)
    assert ids[:25] == [f"div_{number:06d}" for number in range(1, 26)]
    assert ids[25:] == added == ["div_000026", "div_000027", "div_000028"]


def test_a_record_changed_while_paging_moves_to_the_end(client: Client) -> None:
    made = [client.made("employees", {"last_name": f"E{number}"}) for number in range(6)]
    first = client.get("employees", limit=2).json()
    client.patch(f"employees/{made[0]['id']}", {"role": "foreman"}, "1")
    rest = client.get("employees", limit=10, cursor=first["next_cursor"]).json()["data"]
    assert [one["id"] for one in rest] == [one["id"] for one in (*made[2:], made[0])]


def test_an_answered_write_survives_sigkill(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with contractor("--state", state) as first:
        made = [first.post("divisions", {"name": f"D{n}"}, key=f"key-{n}").json() for n in range(50)]
        key = first.first_line["api_key"]
        first.kill()
    with contractor("--state", state) as second:
        assert second.first_line["api_key"] == key
        assert [second.one(f"divisions/{one['id']}") for one in made] == made
        assert second.post("divisions", {"name": "D7"}, key="key-7").json() == made[7]
        later = second.made("divisions", {"name": "after"})
    assert later["id"] not in {one["id"] for one in made}
    assert later["updated_at"] > made[-1]["updated_at"]
