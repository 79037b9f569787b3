"""The people at their screens: plain HTTP clients for both servers, with nothing of the pipeline's own in them.

Invariant: an answer that is no success stops the demo with what the server said; no number passes through a float.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import requests
import simplejson

from qb_pipeline.errors import PipelineError

Body = dict[str, Any]
_SECONDS = 30
_BATCH = 30
_PAGE = 1000
_SCREEN = "demo-screen"


def decoded(answer: requests.Response) -> Body:
    """The JSON object of an answer; `PipelineError` for anything but a success."""
    document: Body = {}
    if "json" in answer.headers.get("content-type", ""):
        document = simplejson.loads(answer.text, use_decimal=True)
    if not answer.ok or "Fault" in document:
        raise PipelineError(
            f"{answer.request.method} {answer.request.url} was answered {answer.status_code}: {answer.text[:400]}",
            code="demo_refused",
            fix="Look at the server's answer; the demo's own data should never be refused.",
        )
    return document


class _Screen:
    """What both clients share: one session, and the sandbox's own control routes."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})

    def _call(self, method: str, url: str, body: Any = None, **options: Any) -> Body:
        data = None if body is None else simplejson.dumps(body, use_decimal=True).encode()
        headers = {**options.pop("headers", {}), **({"Content-Type": "application/json"} if data else {})}
        answer = self._session.request(method, url, data=data, headers=headers, timeout=_SECONDS, **options)
        return decoded(answer)

    def control(self, name: str, body: Any = None, **params: Any) -> Body:
        """One of `/_sandbox/*`: a GET without a body, a POST with one."""
        method = "GET" if body is None else "POST"
        return self._call(method, f"{self.base}/_sandbox/{name}", body, params=params)

    def requests_since(self, number: int) -> tuple[list[Body], int]:
        """Every request the server got after `number`, and the number of the last one; our own screens' left out."""
        answer = self.control("requests", since=number)
        return [r for r in answer["requests"] if not r["path"].startswith("/_sandbox/")], int(answer["next"])


class ContractorScreen(_Screen):
    """Somebody in the contractor's office."""

    def all(self, collection: str, *, deleted: bool = False) -> list[Body]:
        """Every record, page by page."""
        found: list[Body] = []
        params: Body = {"limit": "500", "include_deleted": "true" if deleted else "false"}
        while True:
            page = self._call("GET", f"{self.base}/api/v1/{collection}", params=params)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            params["cursor"] = page["next_cursor"]

    def get(self, collection: str, record_id: str) -> Body:
        return self._call("GET", f"{self.base}/api/v1/{collection}/{record_id}")

    def add(self, collection: str, **values: Any) -> Body:
        key = {"Idempotency-Key": f"{_SCREEN}-{uuid.uuid4().hex}"}
        return self._call("POST", f"{self.base}/api/v1/{collection}", values, headers=key)

    def edit(self, collection: str, record: Body, **values: Any) -> Body:
        version = {"If-Match": f'"{record["version"]}"'}
        return self._call("PATCH", f"{self.base}/api/v1/{collection}/{record['id']}", values, headers=version)

    def void(self, collection: str, record: Body) -> Body:
        return self._call("POST", f"{self.base}/api/v1/{collection}/{record['id']}/void")


class QuickBooksScreen(_Screen):
    """Somebody who keeps the books in QuickBooks."""

    def __init__(self, base: str, token: str, realm: str) -> None:
        super().__init__(base, token)
        self.realm = realm

    @property
    def _company(self) -> str:
        return f"{self.base}/v3/company/{self.realm}"

    def query(self, statement: str) -> Body:
        answer = self._call("GET", f"{self._company}/query", params={"query": statement})
        return dict(answer["QueryResponse"])

    def all(self, entity: str, *, inactive: bool = False) -> list[Body]:
        """Every object, page by page, inactive ones too where asked."""
        return list(self._pages(entity, " WHERE Active IN (true, false)" if inactive else ""))

    def _pages(self, entity: str, where: str) -> Iterator[Body]:
        start = 1
        while True:
            statement = f"SELECT * FROM {entity}{where} ORDERBY Id STARTPOSITION {start}"  # noqa: S608  # own words
            page = self.query(f"{statement} MAXRESULTS {_PAGE}")
            rows = page.get(entity, [])
            yield from rows
            if len(rows) < _PAGE:
                return
            start += _PAGE

    def get(self, entity: str, record_id: str) -> Body:
        return dict(self._call("GET", f"{self._company}/{entity.lower()}/{record_id}")[entity])

    def add(self, entity: str, **values: Any) -> Body:
        return dict(self._call("POST", f"{self._company}/{entity.lower()}", values)[entity])

    def edit(self, entity: str, stored: Body, **values: Any) -> Body:
        """A sparse update of the version at hand."""
        body = {"Id": stored["Id"], "SyncToken": stored["SyncToken"], "sparse": True, **values}
        return self.add(entity, **body)

    def add_many(self, entity: str, bodies: Sequence[Body]) -> list[Body]:
        """Create in batches of 30; the objects in the order given."""
        made: list[Body] = []
        for start in range(0, len(bodies), _BATCH):
            items = [
                {"bId": str(place), "operation": "create", entity: body}
                for place, body in enumerate(bodies[start : start + _BATCH])
            ]
            answer = self._call("POST", f"{self._company}/batch", {"BatchItemRequest": items})
            made += [_made(entity, item) for item in sorted(answer["BatchItemResponse"], key=lambda i: int(i["bId"]))]
        return made


def _made(entity: str, item: Body) -> Body:
    if entity not in item:
        raise PipelineError(
            f"QuickBooks' sandbox refused a {entity} of the demo: {simplejson.dumps(item)[:400]}",
            code="demo_refused",
            fix="Look at the server's answer; the demo's own data should never be refused.",
        )
    return dict(item[entity])
