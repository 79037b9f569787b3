"""Commands that texts offer, complete for whoever reads them.

Invariant: a command offered can be typed as it stands, also where several companies are connected. What is stored names
no company, since a second one may be connected later; the company is put in where a text is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from qb_pipeline import typed
from qb_pipeline.errors import PipelineError
from qb_pipeline.store import companies

Completing = Callable[[str, str], str]

# The others find their company by an exception's id, are about every company, or always name it.
_OF_ONE_COMPANY = re.compile(
    r"qb-pipeline (?:review (?:list|link|unlink|reject)|errors (?:list|retry)|sync|plan|health|status)\b"
    r"(?! --(?:company|allow)| ID)"
)


def completing(conn: Connection) -> Completing:
    """(text, company) -> the text with commands that name the company; the text as it is where there is only one."""
    return _naming if len(companies.listing(conn)) > 1 else lambda text, _company: text


@contextmanager
def refusing(offered: Completing, company: str | None) -> Iterator[None]:
    """What is refused within says its fix with commands that name the company, as `offered` completes them; None: it is
    about every company."""
    try:
        yield
    except PipelineError as error:
        if company is not None:
            error.fix = offered(error.fix, company)
        raise


def _naming(text: str, company: str) -> str:
    return _OF_ONE_COMPANY.sub(lambda command: f"{command.group()} --company {typed.quoted(company)}", text)
