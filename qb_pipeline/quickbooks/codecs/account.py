"""The chart of accounts, read so that items can name their accounts.

Invariant: an account is known by its full path, because QBO allows the same leaf name under different parents.
"""

from __future__ import annotations

from qb_pipeline.entities.account import ACCOUNT
from qb_pipeline.entities.records import Decoded
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.base import KeptInQuickBooks
from qb_pipeline.quickbooks.codecs.fields import Raw


class AccountCodec(KeptInQuickBooks):
    entity = ACCOUNT

    def decode(self, raw: Raw) -> Decoded:
        return Decoded(
            {
                "name": fields.read_name(raw, "FullyQualifiedName", "Name"),
                "code": fields.read_text(raw, "AcctNum"),
                "kind": fields.read_text(raw, "AccountType"),
                "active": fields.is_active(raw),
            }
        )
