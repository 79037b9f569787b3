"""The sandbox described as an OpenAPI 3.0 document, for people, code generators and fuzzers.

Invariant: what the document says of an entity is read from the properties and verbs that check its writes, so the two
cannot differ.

    document(base_url, realm) -> the document; `GET /_sandbox/openapi.json` answers it

Properties the server makes are readOnly: they come in answers and are ignored when sent. Nothing is marked as required,
because what is required often depends on the rest of the body; the refusal (2020) names it.
"""

from collections.abc import Mapping
from typing import Any

from qb_pipeline.sandbox.quickbooks.entities.recurring_transaction import INFO, KINDS
from qb_pipeline.sandbox.quickbooks.entities.registry import ENTITIES, STORED, WITHOUT_CDC
from qb_pipeline.sandbox.quickbooks.entity import Entity
from qb_pipeline.sandbox.quickbooks.forms import TITLES
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.reports.asked import CHOICES, FILTERS
from qb_pipeline.sandbox.quickbooks.reports.registry import REPORTS
from qb_pipeline.sandbox.quickbooks.schema import (
    Choice,
    Day,
    Flag,
    Group,
    Many,
    Number,
    Properties,
    Property,
    ReadOnly,
    Text,
)
from qb_pipeline.sandbox.quickbooks.schema import Ref as Reference
from qb_pipeline.sandbox.quickbooks.sending import ADDRESS_KEYS
from qb_pipeline.sandbox.quickbooks.taxservice import PROPERTIES as TAX_SERVICE

COMPANY = "/v3/company/{realm}"
# Entities of which a company has one, read without an id.
SINGLE = ("Preferences",)
DATES = ("start_date", "end_date", "report_date", "start_duedate", "end_duedate")
WORDS = ("date_macro", "columns", "sort_by", "group_by", "transaction_type", "docnum", "past_due", "account_type")
NUMBERS = ("aging_period", "num_periods", "minorversion")
TEXT: JsonObject = {"type": "string"}
FLAG: JsonObject = {"type": "boolean"}
REF: JsonObject = {
    "type": "object",
    "properties": {"value": TEXT, "name": TEXT, "type": TEXT},
    "additionalProperties": False,
}
HEAD: JsonObject = {
    "Id": TEXT,
    "SyncToken": TEXT,
    "sparse": FLAG,
    "domain": TEXT,
    "MetaData": {"type": "object", "readOnly": True},
}
FAULT: JsonObject = {
    "type": "object",
    "properties": {
        "Fault": {
            "type": "object",
            "properties": {
                "Error": {"type": "array", "items": {"type": "object", "properties": {"code": TEXT}}},
                "type": TEXT,
            },
        }
    },
}
OAUTH_FORM = ("grant_type", "code", "redirect_uri", "refresh_token", "client_id", "client_secret")
CONTROL_BODIES: dict[str, tuple[str, ...]] = {
    "token": ("realm_id",),
    "clock": ("advance_seconds",),
    "limits": ("enforce", "time_scale", "retry_after", "latency_seconds"),
    "subscribe": ("url", "format"),
    "webhooks": ("deliver", "release", "aggregate_seconds", "disable_after_seconds"),
    "switches": (),
    "oauth": (),
}


def document(base_url: str, realm: str) -> JsonObject:
    """The whole document; `realm` is the example of a company."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "QuickBooks Online sandbox",
            "version": "v3",
            "description": "A local server that behaves like the QuickBooks Online accounting API.",
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "paths": {**company_paths(realm), **oauth_paths(), **control_paths()},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas(), "Ref": REF, "Fault": FAULT},
        },
    }


def schemas() -> JsonObject:
    """A schema an entity that can be written."""
    found = {name: entity_schema(entity) for name, entity in ENTITIES.items() if entity.properties}
    wrapped = {kind: {"allOf": [of(kind), {"properties": {"RecurringInfo": schema(INFO)}}]} for kind in KINDS}
    recurring = {"type": "object", "properties": {**HEAD, **wrapped}, "additionalProperties": False}
    tax_service = nested(TAX_SERVICE)
    return {**found, "RecurringTransaction": recurring, "TaxService": tax_service}


def entity_schema(entity: Entity) -> JsonObject:
    """An entity's own properties and those all share."""
    found = nested(entity.properties)
    return {**found, "properties": {**HEAD, **found["properties"]}}


def nested(properties: Properties, *, is_open: bool = False) -> JsonObject:
    """A JSON object of known properties."""
    known = {name: schema(prop) for name, prop in properties.items()}
    return {"type": "object", "properties": known, "additionalProperties": is_open}


def schema(prop: Property) -> JsonObject:  # noqa: PLR0911  # one return a kind of property
    """What a property takes, in the words of JSON Schema."""
    match prop:
        case Text():
            email = {"format": "email"} if prop.email else {}
            return {**TEXT, "maxLength": prop.longest, **email}
        case Number():
            return {"type": "number"}
        case Flag():
            return FLAG
        case Day():
            return {**TEXT, "format": "date"}
        case Choice():
            return {**TEXT, "enum": list(prop.words)}
        case Reference():
            return {**of("Ref"), **({"x-target": prop.target} if prop.target else {})}
        case Group():
            return nested(prop.properties, is_open=prop.open)
        case Many():
            return {"type": "array", "items": schema(prop.of)}
        case ReadOnly():
            return {"readOnly": True}
        case _:
            return {}


def of(name: str) -> JsonObject:
    """A pointer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def company_paths(realm: str) -> JsonObject:
    """Everything below `/v3/company`."""
    found: JsonObject = {}
    for name, entity in ENTITIES.items():
        found |= entity_paths(name, entity)
    for name in STORED:
        found |= reading(name)
    for name in TITLES:
        found[f"{COMPANY}/{name.lower()}/{{id}}/pdf"] = {"get": operation(f"{name} as PDF")}
    for name in ADDRESS_KEYS:
        sending = operation(f"Send a {name} by e-mail", [parameter("sendTo", TEXT)])
        found[f"{COMPANY}/{name.lower()}/{{id}}/send"] = {"post": sending}
    found |= other_paths()
    return {path: {**item, "parameters": path_parameters(path, realm)} for path, item in found.items()}


def entity_paths(name: str, entity: Entity) -> JsonObject:
    """Reading and writing one entity."""
    words = [*sorted(entity.verbs), *(["void"] if entity.voided or entity.void_is_ignored else [])]
    choose = [
        parameter("operation", {**TEXT, "enum": [word for word in words if word != "create"]}),
        parameter("include", TEXT),
        parameter("requestid", {**TEXT, "maxLength": 50}),
    ]
    if not words:
        return reading(name)
    written = operation(f"{', '.join(words).capitalize()} {name}", choose, json_of(of(name)))
    return {**reading(name), f"{COMPANY}/{name.lower()}": {**listed(name), "post": written}}


def reading(name: str) -> JsonObject:
    """Reading one object."""
    if name in SINGLE or name == "ExchangeRate":
        return {}
    return {f"{COMPANY}/{name.lower()}/{{id}}": {"get": operation(f"Read {name}", [parameter("include", TEXT)])}}


def listed(name: str) -> JsonObject:
    """What is read without an id."""
    if name == "ExchangeRate":
        asked = [parameter("sourcecurrencycode", TEXT), parameter("asofdate", {**TEXT, "format": "date"})]
        return {"get": operation("Rate of a day", asked)}
    return {"get": operation(f"Read {name}")} if name in SINGLE else {}


def other_paths() -> JsonObject:
    """What concerns no single entity."""
    items = {"type": "object", "properties": {"BatchItemRequest": {"type": "array", "items": batch_item()}}}
    changed = [
        parameter("entities", {**TEXT, "enum": [name for name in ENTITIES if name not in WITHOUT_CDC]}),
        parameter("changedSince", {**TEXT, "format": "date-time"}),
    ]
    paths = {
        "query": {
            "get": operation("Query", [parameter("query", TEXT)]),
            "post": operation("Query", content={"application/text": {"schema": TEXT}}),
        },
        "cdc": {"get": operation("Change data capture", changed)},
        "batch": {"post": operation("Batch", [parameter("requestid", TEXT)], json_of(items))},
        "taxservice/taxcode": {"post": operation("Tax code with its rates", content=json_of(of("TaxService")))},
        "upload": {"post": operation("Attach files", content={"multipart/form-data": {"schema": upload_form()}})},
        "download/{id}": {"get": operation("Address of an attached file")},
    }
    reports = {f"reports/{name}": {"get": operation(f"Report {name}", report_parameters())} for name in REPORTS}
    return {f"{COMPANY}/{path}": item for path, item in {**paths, **reports}.items()}


def batch_item() -> JsonObject:
    """One item of a batch: an object to write, a query, or a change feed."""
    asked = {"bId": TEXT, "operation": {**TEXT, "enum": ["create", "update", "delete"]}, "Query": TEXT}
    return {"type": "object", "properties": {**asked, **{n: of(n) for n, e in ENTITIES.items() if e.verbs}}}


def upload_form() -> JsonObject:
    """The parts of an upload."""
    return {"type": "object", "properties": {"file_metadata_01": TEXT, "file_content_01": {**TEXT, "format": "binary"}}}


def report_parameters() -> list[JsonObject]:
    """Every parameter some report knows; the others ignore it."""
    found = [parameter(name, {**TEXT, "enum": list(words)}) for name, words in CHOICES.items()]
    found += [parameter(name, {**TEXT, "format": "date"}) for name in DATES]
    found += [parameter(name, {"type": "integer"}) for name in NUMBERS]
    return found + [parameter(name, TEXT) for name in (*FILTERS, *WORDS)]


def oauth_paths() -> JsonObject:
    """Consent, tokens, discovery."""
    form = {"application/x-www-form-urlencoded": {"schema": texts(OAUTH_FORM)}}
    asked = ("client_id", "redirect_uri", "response_type", "scope", "state")
    return {
        "/connect/oauth2": {"get": operation("Consent page", [parameter(name, TEXT) for name in asked])},
        "/oauth2/v1/tokens/bearer": {"post": operation("Exchange a code or refresh token", content=form)},
        "/v2/oauth2/tokens/revoke": {"post": operation("Revoke", content=json_of(texts(("token",))))},
        "/.well-known/openid_configuration": {"get": operation("Discovery")},
        "/op/v1/jwks": {"get": operation("Keys")},
        "/v1/openid_connect/userinfo": {"get": operation("The person")},
    }


def control_paths() -> JsonObject:
    """What the sandbox has and QuickBooks does not."""
    shown = {f"/_sandbox/{name}": {"get": operation(name)} for name in ("info", "state", "requests", "sent")}
    changed = {
        f"/_sandbox/{name}": {"post": operation(name, content=json_of(loose(keys)))}
        for name, keys in CONTROL_BODIES.items()
    }
    act = {"act": {**TEXT, "enum": ["edit", "delete", "merge", "close_books", "deposit"]}, "realm_id": TEXT}
    ui = {"type": "object", "properties": {**act, "entity": TEXT, "id": TEXT, "from": TEXT, "into": TEXT, "date": TEXT}}
    rules = {"type": "array", "items": loose(("match", "action", "status", "times"))}
    faults = {"post": operation("Faults on order", content=json_of(rules)), "delete": operation("Forget all rules")}
    return {
        **shown,
        **changed,
        "/_sandbox/ui": {"post": operation("Acts of a person", content=json_of(ui))},
        "/_sandbox/faults": faults,
        "/_sandbox/openapi.json": {"get": operation("This document")},
    }


def texts(names: tuple[str, ...]) -> JsonObject:
    """An object of texts."""
    return {"type": "object", "properties": dict.fromkeys(names, TEXT)}


def loose(names: tuple[str, ...]) -> JsonObject:
    """An object whose values are checked by the server alone."""
    return {"type": "object", "properties": {name: {} for name in names}}


def operation(summary: str, parameters: list[JsonObject] | None = None, content: Any = None) -> JsonObject:
    """One method of a path; refusals are answered with a Fault."""
    answers = {
        "default": {"description": "A refusal", "content": {"application/json": {"schema": of("Fault")}}},
        "200": {"description": "The answer"},
    }
    body = {"requestBody": {"content": content}} if content else {}
    return {"summary": summary, "parameters": parameters or [], **body, "responses": answers}


def parameter(name: str, kind: Mapping[str, Any]) -> JsonObject:
    """A query parameter."""
    return {"name": name, "in": "query", "required": False, "schema": dict(kind)}


def path_parameters(path: str, realm: str) -> list[JsonObject]:
    """The company, and the object where the address names one."""
    found = [{"name": "realm", "in": "path", "required": True, "schema": {**TEXT, "pattern": "^[0-9]+$"}}]
    found[0]["example"] = realm
    if "{id}" in path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {**TEXT, "pattern": "^[0-9]+$"}})
    return found


def json_of(content: JsonObject) -> JsonObject:
    """A JSON body."""
    return {"application/json": {"schema": content}}
