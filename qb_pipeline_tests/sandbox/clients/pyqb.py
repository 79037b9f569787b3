"""python-quickbooks and intuit-oauth as an app sets them up, pointed at a sandbox by their base addresses alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import requests

from qb_pipeline_tests.sandbox.quickbooks.books import Body

# Before the libraries refuse plain http.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from intuitlib.client import AuthClient
from quickbooks import QuickBooks

CALLBACK = "http://app.test/callback"
MODULES = {"Class": "trackingclass", "CompanyInfo": "company_info", "CreditCardPayment": "creditcardpayment_entity"}


def class_of(entity: str) -> Any:
    """The library's class of an entity."""
    return getattr(import_module(f"quickbooks.objects.{MODULES.get(entity, entity.lower())}"), entity)


def json_key(entity: str) -> str:
    """Under which key the entity comes back."""
    return class_of(entity).qbo_json_object_name or entity


@contextmanager
def connected(info: Body) -> Iterator[Any]:
    """A QuickBooks client of the sample company."""
    pair = requests.post(f"{info['base_url']}/_sandbox/token", json={}, timeout=20).json()
    auth = AuthClient(
        info["client_id"], info["client_secret"], CALLBACK, info["discovery_url"], refresh_token=pair["refresh_token"]
    )
    kept = QuickBooks.api_url_v3, QuickBooks.sandbox_api_url_v3
    QuickBooks.api_url_v3 = QuickBooks.sandbox_api_url_v3 = f"{info['base_url']}/v3"
    try:
        yield QuickBooks(
            auth_client=auth, refresh_token=pair["refresh_token"], company_id=info["realm_id"], minorversion=75
        )
    finally:
        QuickBooks.api_url_v3, QuickBooks.sandbox_api_url_v3 = kept
