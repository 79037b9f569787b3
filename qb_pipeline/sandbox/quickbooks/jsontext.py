"""JSON text to Python and back without losing a digit.

Invariant: `loads(dumps(x)) == x` with every non-integral number a Decimal; money never passes through a float.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import simplejson

JsonObject = dict[str, Any]


def loads(text: str | bytes) -> Any:
    """Parse JSON; numbers with a fraction become Decimal, others int. ValueError when it is no JSON."""
    return simplejson.loads(text, use_decimal=True)


def received(body: str | bytes) -> Any:
    """JSON from outside. ValueError also for half a surrogate pair, which no encoding can carry on."""
    value = loads(body)
    raw = body if isinstance(body, bytes) else body.encode()
    if b"\\ud" in raw.lower():
        dumps(value).encode()
    return value


def dumps(value: object) -> str:
    """Compact JSON text, Decimals written as numbers."""
    return simplejson.dumps(value, use_decimal=True, separators=(",", ":"), ensure_ascii=False)


def number(value: Decimal | int) -> Decimal | int:
    """The shortest JSON number of the same value: 100.00 becomes 100, 86.40 becomes 86.4."""
    exact = Decimal(value)
    if exact == exact.to_integral_value():
        return int(exact)
    return exact.normalize()


def decimal_of(value: object) -> Decimal:
    """A stored JSON number as Decimal; absent (None) counts as zero."""
    return Decimal(0) if value is None else Decimal(str(value))


def cents(value: Decimal) -> Decimal:
    """Rounded half up to two decimals, as QBO rounds amounts."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
