"""The accounting API: one request in, one status and JSON text out.

Invariant: a write and the memory of its requestid are one transaction; a refusal leaves no trace.

    handle(world, incoming, call) -> Answer; the refusals are answered here too
"""

from collections.abc import Callable
from typing import Any

from qb_pipeline.sandbox.kernel.calls import Answer, Incoming
from qb_pipeline.sandbox.kernel.database import transaction
from qb_pipeline.sandbox.quickbooks.answers import PDF, PLAIN, Document, answered
from qb_pipeline.sandbox.quickbooks.batch import run_batch
from qb_pipeline.sandbox.quickbooks.cdc import changes
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.exchange_rate import rate_of_day
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES, for_query, known_name, name_of, writable
from qb_pipeline.sandbox.quickbooks.entity import Entity
from qb_pipeline.sandbox.quickbooks.faults import (
    Fault,
    GatewayRefusal,
    gateway_body,
    not_found,
    system_failure,
    unsupported,
)
from qb_pipeline.sandbox.quickbooks.files import link_to, signed, upload
from qb_pipeline.sandbox.quickbooks.forms import form_pdf
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps, loads
from qb_pipeline.sandbox.quickbooks.query.evaluate import answer
from qb_pipeline.sandbox.quickbooks.replay import LONGEST_FOR_BATCH, check_request_id, recall, remember
from qb_pipeline.sandbox.quickbooks.reports import run as run_report
from qb_pipeline.sandbox.quickbooks.requests import UNPARSED, ApiCall, includes
from qb_pipeline.sandbox.quickbooks.schema import malformed
from qb_pipeline.sandbox.quickbooks.sending import send
from qb_pipeline.sandbox.quickbooks.taxservice import create_tax_code
from qb_pipeline.sandbox.quickbooks.times import envelope_time
from qb_pipeline.sandbox.quickbooks.world import World
from qb_pipeline.sandbox.quickbooks.writes import create, delete, update, void

Found = str | Document
WRITES: dict[str, Callable[..., JsonObject]] = {"create": create, "update": update, "delete": delete, "void": void}


def handle(world: World, incoming: Incoming, call: ApiCall) -> Answer:
    """Answer one request to `/v3/company/…`."""
    try:
        company = admitted(world, incoming, call)
        status, found = 200, opened(world, incoming, route(company, incoming, call))
    except GatewayRefusal as refusal:
        status, found = refusal.status, dumps(gateway_body(refusal.status, refusal.detail, world.clock.now()))
    except Fault as fault:
        world.forget_roles()
        status, found = fault.http, dumps(fault.body(world.clock.now()))
    return answered(incoming, status, found, world.switches.any_accept)


def opened(world: World, incoming: Incoming, found: Found) -> Found:
    """The answer with the addresses of attached files as this client can reach them."""
    return found if isinstance(found, Document) else signed(world.conn, found, base_of(incoming), world.clock.now())


def base_of(incoming: Incoming) -> str:
    """This server as the client addressed it."""
    scheme = incoming.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{incoming.headers.get('host', 'localhost')}"


def admitted(world: World, incoming: Incoming, call: ApiCall) -> Company:
    """The company the bearer token opens. 401 without a live token, 403 for another realm's."""
    scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise GatewayRefusal(401, "Malformed bearer token: too short or too long")
    realm = world.oauth.authorize(token.strip())
    if realm != call.realm:
        raise GatewayRefusal(403, None)
    company = world.company(realm)
    company.include = includes(incoming)
    return company


def route(company: Company, incoming: Incoming, call: ApiCall) -> Found:
    """The answer: JSON text, or a document."""
    if not call.segments:
        raise no_resource(incoming)
    if incoming.method == "GET":
        return document_route(company, incoming, call) or read_route(company, incoming, call)
    if incoming.method != "POST":
        raise no_method(incoming.method)
    return write_route(company, incoming, call)


def no_resource(incoming: Incoming) -> Fault:
    """500 for an address that leads nowhere."""
    whole = f"{base_of(incoming)}{incoming.path}"
    return unsupported(f"Could not find resource for relative : {incoming.path} of full path: {whole}", element=None)


def no_method(method: str) -> Fault:
    """500 for an address that is only read."""
    return unsupported(f"No resource method found for {method}, return 405 with Allow header", element=None)


def document_route(company: Company, incoming: Incoming, call: ApiCall) -> Document | None:
    """GET of what is neither JSON nor XML: the address of a file, a form in PDF; None for everything else."""
    match [segment.lower() for segment in call.segments]:
        case ["download", identifier]:
            return Document(link_to(company, identifier, base_of(incoming)).encode(), PLAIN)
        case [name, identifier, "pdf"]:
            return Document(form_pdf(company, known_name(name), identifier), PDF)
        case _:
            return None


def read_route(company: Company, incoming: Incoming, call: ApiCall) -> str:  # noqa: PLR0911
    # One return a route reads better than a variable.
    """GET: query, cdc, or one object."""
    match [segment.lower() for segment in call.segments[:1]] + list(call.segments[1:]):
        case ["query"]:
            return query(company, incoming.query.get("query"))
        case ["cdc"]:
            found = changes(
                company.store,
                incoming.query.get("entities"),
                incoming.query.get("changedSince"),
                company.now,
                company.switches.cdc_cap,
            )
            return enveloped(company, f'"CDCResponse":{found}')
        case ["preferences"]:
            return read(company, "Preferences", "1")
        case ["companyinfo", realm] if realm == company.realm:
            return read(company, "CompanyInfo", "1")
        case ["reports", report]:
            return run_report(company, report, incoming.query)
        case ["exchangerate"]:
            code, day = incoming.query.get("sourcecurrencycode"), incoming.query.get("asofdate")
            return enveloped(company, f'"ExchangeRate":{dumps(rate_of_day(company, code, day))}')
        case [name, identifier]:
            return read(company, known_name(name), identifier)
        case _:
            raise no_resource(incoming)


def read(company: Company, entity: str, identifier: str) -> str:
    """One object as stored. 2030 for an id that is none, 610 when it is not there."""
    if not identifier.isdecimal() and entity != "TaxCode":
        raise Fault(2030, f"Id should be a valid number. Supplied value:{identifier}", element="Id")
    text = company.store.text(entity, identifier)
    if text is None:
        raise not_found()
    if company.include and entity in ENTITIES:
        text = dumps(as_asked(company, ENTITIES[entity], loads(text)))
    return enveloped(company, f'"{entity}":{text}')


def as_asked(company: Company, entity: Entity, obj: JsonObject) -> JsonObject:
    """The object with what `include` asked for."""
    return obj if entity.shown is None or not company.include else entity.shown(company, obj)


def query(company: Company, statement: str | None) -> str:
    """A page. Fault 10000 inside HTTP 200 without a statement, as recorded."""
    if not (statement or "").strip():
        raise system_failure("java.lang.NullPointerException", http=200)
    found = answer(company.store, str(statement), for_query, company.now)
    return enveloped(company, f'"QueryResponse":{found}')


def write_route(company: Company, incoming: Incoming, call: ApiCall) -> str:
    """POST: query, batch, tax service, or one entity."""
    match [segment.lower() for segment in call.segments]:
        case ["query"]:
            return query(company, decoded(incoming.body))
        case ["batch"]:
            return batch(company, call)
        case ["taxservice", "taxcode"]:
            return once(company, call, lambda: dumps(create_tax_code(company, json_body(incoming, call))))
        case ["upload"]:
            return once(company, call, lambda: uploaded(company, incoming))
        case [name]:
            return once(company, call, lambda: write(company, name, incoming, call))
        case [name, identifier, "send"]:
            return once(company, call, lambda: sent(company, known_name(name), identifier, incoming))
        case [name, _] if name_of(name) is not None:
            raise no_method("POST")
        case _:
            raise no_resource(incoming)


def uploaded(company: Company, incoming: Incoming) -> str:
    """One element a file."""
    items = upload(company, incoming.body, incoming.headers.get("content-type", ""))
    return enveloped(company, f'"AttachableResponse":{items}')


def sent(company: Company, entity: str, identifier: str, incoming: Incoming) -> str:
    """The form as it went out."""
    form = send(company, entity, identifier, incoming.query.get("sendTo"))
    return enveloped(company, f'"{entity}":{dumps(form)}')


def decoded(body: bytes) -> str:
    """The statement of a POST. 500 for bytes that are no UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise unsupported(f"reading a body that is no UTF-8 ({error.reason})") from error


def json_body(incoming: Incoming, call: ApiCall) -> Any:
    """The parsed body. 1050 for XML, 500 for bytes that are no UTF-8, 2010 for what is no JSON object."""
    kind = incoming.headers.get("content-type", "application/json")
    if "xml" in kind:
        raise Fault(1050, f"Content type {kind} is not supported: send application/json.")
    if call.body is UNPARSED:
        decoded(incoming.body)
        raise malformed("the body is no JSON")
    if not isinstance(call.body, dict):
        raise malformed("the body is no JSON object")
    return call.body


def once(company: Company, call: ApiCall, act: Callable[[], str]) -> str:
    """Do it within one transaction, or replay what was answered to this requestid before."""
    check_request_id(call.key)
    with transaction(company.store.conn):
        replayed = recall(company.store, call.key)
        if replayed is not None:
            return replayed
        company.require_subscription()
        text = act()
        remember(company.store, call.key, text)
    call.items = 1
    return text


def write(company: Company, name: str, incoming: Incoming, call: ApiCall) -> str:
    """Create, update, delete or void one entity."""
    entity = writable(name)
    body = json_body(incoming, call)
    operation = WRITES.get(str(call.operation))
    if operation is None:
        raise unsupported(str(call.operation))
    if operation is void and entity.void_is_ignored:
        return enveloped(company, '"BatchItemResponse":[]')
    return enveloped(company, f'"{entity.name}":{dumps(as_asked(company, entity, operation(company, entity, body)))}')


def batch(company: Company, call: ApiCall) -> str:
    """All items within one transaction, each in its own savepoint."""
    check_request_id(call.key, LONGEST_FOR_BATCH)
    if call.body is UNPARSED:
        raise malformed("the body is no JSON")
    with transaction(company.store.conn):
        result = run_batch(company, call.body, call.key)
    call.items = result.written
    return enveloped(company, f'"BatchItemResponse":{result.text}')


def enveloped(company: Company, content: str) -> str:
    """`{content, "time": now}`."""
    return f'{{{content},"time":"{envelope_time(company.now)}"}}'
