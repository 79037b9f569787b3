"""Commands that stored texts offer, complete for whoever reads them.

Invariant: a command offered can be typed as it stands, also where several companies are connected. What is stored names
no company, since a second one may be connected later; the company is put in where a text is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import Connection

from qb_pipeline.store import companies

# The others that fixes offer find their company by an exception's id, or are about every company.
_OF_ONE_COMPANY = re.compile(r"qb-pipeline (?:review (?:link|unlink|reject)|errors retry)\b(?! --company)")


def completing(conn: Connection) -> Callable[[str, str], str]:
    """(text, company) -> the text with commands that name the company; the text as it is where there is only one."""
    return _naming if len(companies.listing(conn)) > 1 else lambda text, _company: text


def _naming(text: str, company: str) -> str:
    return _OF_ONE_COMPANY.sub(lambda command: f"{command.group()} --company {company!r}", text)
