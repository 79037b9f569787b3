"""The two receivers of webhooks.

Invariant: nothing of a body is looked at before its signature has been verified; 200 means that every event in it
stands in the inbox; what is refused is counted and logged without its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import groupby

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from qb_pipeline.console import events, notifications, signatures
from qb_pipeline.console.answering import Patience, Refused, address_of, body_of
from qb_pipeline.console.directory import Directory
from qb_pipeline.console.hearing import Known
from qb_pipeline.console.meters import Meters
from qb_pipeline.console.storing import Storing
from qb_pipeline.contractor.webhook import read_delivery
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData, PipelineError
from qb_pipeline.settings import Settings
from qb_pipeline.store.inbox import Event, InboxState

_log = structlog.get_logger(__name__)
ANSWER_WITHIN = 2.5  # seconds after the body came; Intuit gives up after three, and delivers again
QUICKBOOKS, CONTRACTOR = Side.QUICKBOOKS.value, Side.CONTRACTOR.value


class Receiver:
    """What is behind `/webhooks/…`."""

    def __init__(
        self, settings: Settings, directory: Directory, storing: Storing, patience: Patience, meters: Meters
    ) -> None:
        self._limit, self._seconds = settings.console_body_limit, settings.console_body_seconds
        self._directory, self._storing = directory, storing
        self._patience, self._meters = patience, meters

    async def quickbooks(self, request: Request) -> Response:
        """`POST /webhooks/quickbooks`"""
        return await self._answered(QUICKBOOKS, request)

    async def contractor(self, request: Request) -> Response:
        """`POST /webhooks/contractor` and `POST /webhooks/contractor/{company}`"""
        return await self._answered(CONTRACTOR, request)

    async def _answered(self, source: str, request: Request) -> Response:
        read = self._from_quickbooks if source == QUICKBOOKS else self._from_contractor
        try:
            if source == QUICKBOOKS and signatures.INTUIT_HEADER not in request.headers:
                raise self._forged(request)
            body = await body_of(request, self._limit, self._seconds)
            async with asyncio.timeout(ANSWER_WITHIN):
                found = await read(request, body)
                await self._storing.put(found)
        except Refused as error:
            refused = error
        except FixTheData as error:
            refused = Refused(400, "unreadable", error.cause)
        except (PipelineError, SQLAlchemyError, TimeoutError) as error:
            why = error.code if isinstance(error, PipelineError) else "database_slow"
            _log.error("console.not_taken", source=source, why=why, error=type(error).__name__)
            refused = Refused(503, why, "It can't be stored now. Deliver it again: it is stored once, however often.")
        else:
            return JSONResponse({"events": len(found)})
        self._meters.refused.add(source, refused.why)
        if refused.status in {400, 401, 408, 413}:  # 429 is not told: a forger must not fill the disk with our lines
            _log.warning("console.refused", source=source, why=refused.why, address=address_of(request))
        return refused.response()

    async def _from_quickbooks(self, request: Request, body: bytes) -> list[Event]:
        given = request.headers.get(signatures.INTUIT_HEADER, "")
        known = await self._directory.known()
        if not signatures.intuit_signed(body, given, known.verifier_tokens):
            known = await self._directory.newest()
            if not signatures.intuit_signed(body, given, known.verifier_tokens):
                raise self._forged(request)
        delivery = notifications.read(body)
        found = events.of_quickbooks(delivery.events, known.by_realm)
        ignored = sum(event.state is InboxState.IGNORED for event in found)
        self._count(QUICKBOOKS, len(found), ignored, delivery.unreadable)
        return found

    async def _from_contractor(self, request: Request, body: bytes) -> list[Event]:
        company = request.path_params.get("company")
        known = await self._directory.known()
        signers = _signers(known, company, request.headers, body)
        if not signers:
            known = await self._directory.newest()
            signers = _signers(known, company, request.headers, body)
        if not signers:
            raise self._forged(request)
        source = known.sources[signers[0]]
        delivery = read_delivery(source.shape, request.headers, body, source.secret)
        ignored = delivery.ignored_count
        self._count(CONTRACTOR, len(delivery.changes) + ignored, ignored, delivery.unreadable)
        return events.of_contractor(delivery, signers)

    def _forged(self, request: Request) -> Refused:
        """Only those that are wrong count: a proxy's address is shared by forgers and by Intuit."""
        if self._patience.note(address_of(request)):
            return Refused(401, "signature", "The signature does not fit the body.", close=True)
        return Refused(429, "too_many", "Too many wrong signatures from this address.", close=True)

    def _count(self, source: str, received: int, ignored: int, unreadable: int) -> None:
        self._meters.received.add(source, by=received)
        self._meters.ignored.add(source, by=ignored)
        self._meters.unreadable.add(source, by=unreadable)
        if unreadable:
            _log.warning("console.unreadable_events", source=source, count=unreadable)


def _signers(known: Known, company: str | None, headers: Mapping[str, str], body: bytes) -> list[str]:
    """The companies the delivery may be about: those of one platform whose secret fits, or the one of the path."""
    asked = {name: s for name, s in known.sources.items() if company in (None, name)}
    in_lower_case = {name.lower(): value for name, value in headers.items()}
    found: list[str] = []
    by_shape = sorted(asked, key=lambda name: repr(asked[name].shape))
    for _, names in groupby(by_shape, key=lambda name: repr(asked[name].shape)):
        of_shape = list(names)
        secrets = {name: asked[name].secret for name in of_shape}
        found = signatures.signers(asked[of_shape[0]].shape, in_lower_case, body, secrets) or found
    return found
