"""Schemathesis over every address of the sandbox: never a failure of the server, never a hang, never a traceback.

The committed run is small and always the same; `SANDBOX_FUZZ_EXAMPLES=500` makes it long and new each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books, running
from qb_pipeline_tests.sandbox.quickbooks.fuzzing import FUZZED, check, ids, narrowed, operations

schemathesis = pytest.importorskip("schemathesis", reason="the fuzzer is not installed")
schemathesis.serializer.alias("application/text", "text/plain")
MODES = tuple(schemathesis.GenerationMode)
ACCEPTS = st.sampled_from(["application/json", "application/json", "application/xml", "*/*"])
COMPANY, CONTROL = "/v3/company/", "/_sandbox/"
OTHER = [one for one in operations("/") if not one[1].startswith((COMPANY, CONTROL))]
PICK = st.integers(min_value=0, max_value=1000)
WRITTEN = [name for name, entity in ENTITIES.items() if entity.properties and entity.verbs]
# What would make the next request slow or strange.
CALM = {"enforce": False, "latency_seconds": 0, "time_scale": 1}


@pytest.fixture(scope="module")
def sample() -> Iterator[Books]:
    """The sample company in a server of its own, because the control routes are fuzzed too."""
    with running(empty=False) as info:
        yield open_books(info)


@pytest.fixture(scope="module")
def described(sample: Books) -> Any:
    """The operations, ready to generate requests."""
    return schemathesis.openapi.from_dict(narrowed(sample))


def cases(described: Any, method: str, path: str, **fixed: str) -> st.SearchStrategy[Any]:
    """Requests that fit the document, and requests that do not."""
    found = described[path][method]
    return st.one_of([found.as_strategy(generation_mode=mode, path_parameters=fixed or None) for mode in MODES])


def sent(sample: Books, case: Any, **more: Any) -> requests.Response:
    """The answer to a generated request."""
    arguments = case.as_transport_kwargs(base_url=sample.base, **more)
    return requests.request(**arguments, timeout=20, allow_redirects=False)


@pytest.mark.parametrize(("method", "path"), operations(COMPANY))
@FUZZED
@given(data=st.data())
def test_any_request_to_the_api_is_answered_or_refused(
    sample: Books, described: Any, method: str, path: str, data: st.DataObject
) -> None:
    case = data.draw(cases(described, method, path, realm=sample.realm))
    headers = {**sample.session.headers, "Accept": data.draw(ACCEPTS)}
    check(sent(sample, case, headers=headers))


@pytest.mark.parametrize(("method", "path"), OTHER)
@FUZZED
@given(data=st.data())
def test_any_request_to_the_sign_in_is_answered_or_refused(
    sample: Books, described: Any, method: str, path: str, data: st.DataObject
) -> None:
    case = data.draw(cases(described, method, path))
    check(sent(sample, case))


@pytest.mark.parametrize("entity", WRITTEN)
@FUZZED
@given(data=st.data())
def test_an_existing_object_with_any_of_its_properties_changed_is_stored_or_refused(
    sample: Books, described: Any, entity: str, data: st.DataObject
) -> None:
    """What random bodies alone seldom reach: behind the required properties."""
    # Drawn before anything is asked, so that what is drawn never hangs on what the server holds.
    wild = data.draw(described[f"{COMPANY}{{realm}}/{entity.lower()}"]["post"].as_strategy()).body
    which, parts, new = data.draw(st.tuples(PICK, st.lists(PICK, max_size=3), st.booleans()))
    operation = data.draw(st.sampled_from([{}, {}, {}, {"operation": "void"}, {"operation": "delete"}]))
    known = ids(sample, entity)
    status, answer = sample.get(f"{entity.lower()}/{known[which % len(known)]}")
    stored: Body = answer.get(entity, {}) if status == 200 else {}
    names = sorted(wild) if isinstance(wild, dict) else []
    drawn = {names[part % len(names)]: wild[names[part % len(names)]] for part in parts if names}
    changed = {**stored, **drawn, "SyncToken": stored.get("SyncToken")}
    if new:
        changed = {key: value for key, value in changed.items() if key not in ("Id", "SyncToken", "DocNumber")}
    status, answer = sample.post(entity.lower(), changed, **operation)
    assert status in (200, 400), (changed, answer)
    assert status == 200 or "Fault" in answer


@pytest.mark.parametrize(("method", "path"), operations(CONTROL))
@FUZZED
@given(data=st.data())
def test_any_request_to_the_control_routes_is_answered_or_refused(
    sample: Books, described: Any, method: str, path: str, data: st.DataObject
) -> None:
    case = data.draw(cases(described, method, path))
    try:
        check(sent(sample, case))
    finally:
        calmed = requests.post(f"{sample.base}/_sandbox/limits", json=CALM, timeout=130)
        requests.delete(f"{sample.base}/_sandbox/faults", timeout=20)
    assert calmed.status_code == 200


def test_the_company_is_whole_after_the_fuzzing(sample: Books) -> None:
    token = requests.post(f"{sample.base}/_sandbox/token", json={"realm_id": sample.realm}, timeout=20)
    assert token.status_code == 200
    sample.session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
    status, report = sample.get("reports/TrialBalance", start_date="2000-01-01", end_date="2099-12-31")
    assert status == 200
    _, debit, credit = report["Rows"]["Row"][-1]["Summary"]["ColData"]
    assert debit["value"] == credit["value"]
