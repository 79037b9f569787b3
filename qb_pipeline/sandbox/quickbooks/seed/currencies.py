"""Which currencies a company keeps that was loaded without its Preferences.

Invariant: only a transaction that shows an ExchangeRate makes a company one of several currencies, because a company
with one shows none; the home currency is the one whose rate is 1.
"""

from typing import NamedTuple

from qb_pipeline.sandbox.quickbooks.company import Company

USED = (
    "SELECT DISTINCT json_extract(body, '$.CurrencyRef.value') FROM objects"
    " WHERE c = ? AND json_extract(body, '$.CurrencyRef.value') IS NOT NULL ORDER BY 1"
)
RATED = (
    "SELECT json_extract(body, '$.CurrencyRef.value'), max(json_extract(body, '$.ExchangeRate') = 1) FROM objects"
    " WHERE c = ? AND txn_date IS NOT NULL AND json_extract(body, '$.ExchangeRate') IS NOT NULL"
    " GROUP BY 1 ORDER BY 2 DESC, count(*) DESC"
)


class Currencies(NamedTuple):
    """Codes; `others` is empty in a company with one currency."""

    home: str
    several: bool
    others: tuple[str, ...]


def currencies_found(company: Company, usual: str = "USD") -> Currencies:
    """What the loaded objects tell; `usual` is home where none of them has a rate of 1."""
    rated = company.store.conn.execute(RATED, (company.store.company,)).fetchall()
    if not rated:
        return Currencies(usual, several=False, others=())
    home = next((str(code) for code, at_par in rated if at_par and code), usual)
    used = [str(code) for (code,) in company.store.conn.execute(USED, (company.store.company,))]
    return Currencies(home, several=True, others=tuple(code for code in used if code != home))
