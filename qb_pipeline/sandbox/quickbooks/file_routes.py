"""Addresses beside the API: attached files behind signed links, and the sandbox's outbox.

Invariant: a link opens one file and nothing else, and no bearer token is asked for, as with Intuit's own links.
"""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.quickbooks.files import content_for
from qb_pipeline.sandbox.quickbooks.outbox import sent_mails
from qb_pipeline.sandbox.quickbooks.world import World

REFUSALS = {
    401: ("MissingSignature", "The address carries no signature; take one from TempDownloadUri or /download."),
    403: ("AccessDenied", "The address has expired or was changed; read the Attachable again for a fresh one."),
    404: ("NoSuchKey", "The file was deleted."),
}


def file_routes(world: World) -> list[Route]:
    """For Starlette."""
    return [
        Route("/documents/{realm}/{identifier}", document_endpoint(world), methods=["GET"]),
        Route("/_sandbox/sent", sent_endpoint(world), methods=["GET"]),
    ]


def document_endpoint(world: World) -> Any:
    """A file's bytes, or why not."""

    async def answer(request: Request) -> Response:
        realm, identifier = request.path_params["realm"], request.path_params["identifier"]
        found = content_for(world.conn, realm, identifier, dict(request.query_params), world.clock.now())
        if isinstance(found, int):
            code, text = REFUSALS[found]
            body = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
            return Response(body, status_code=found, media_type="application/xml")
        disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
        headers = {"content-type": found.kind, "content-disposition": disposition}
        return Response(found.content, headers=headers)

    return answer


def sent_endpoint(world: World) -> Any:
    """`/_sandbox/sent`: every form sent by e-mail, the oldest first; `realm_id` picks one company."""

    async def answer(request: Request) -> Response:
        realm = request.query_params.get("realm_id")
        if realm is not None and not world.known(realm):
            refusal = ControlError(f"there is no realm {realm}", field="realm_id", status=404, code="not_found")
            error = {"code": refusal.code, "message": str(refusal), "field": refusal.field}
            return JSONResponse({"error": error}, refusal.status)
        return JSONResponse({"sent": [asdict(mail) for mail in sent_mails(world.conn, realm)]})

    return answer
