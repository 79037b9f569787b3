"""The page after a consent: what is connected, or what went wrong and what to do."""

from __future__ import annotations

from html import escape

from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    # The address of this page holds the consent's code.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""


def outcome(title: str, text: str, status: int = 200, after: BackgroundTask | None = None) -> HTMLResponse:
    """A heading and one or two sentences, both given as plain text; `after` runs once the page was sent."""
    return HTMLResponse(_PAGE.format(title=escape(title), text=escape(text)), status, _HEADERS, background=after)
