"""What the first so many units of an item cost.

Invariant: the cost of an issue is the difference of two points of the curve, rounded to cents, so issues add up to what
came in without a rest.

    curve = Curve.between(company, "11", low, high)      totals of units, in millionths
    curve.at(total) -> millionths of the home currency, whole cents
"""

from bisect import bisect_left
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.rows import SCALE

CENT = SCALE // 100
RECEIPTS = "SELECT total, worth, quantity, value, price FROM stock WHERE c = ? AND item = ? AND kind = 'in'"


@dataclass(frozen=True)
class Point:
    """A receipt: units and worth of everything up to and with it."""

    total: int
    worth: int
    price: Decimal


@dataclass(frozen=True)
class Curve:
    """Receipts in order; at least one."""

    points: list[Point]

    @staticmethod
    def between(company: Company, item: str, low: int, high: int) -> "Curve":
        """The receipts that matter between two totals."""
        key = (company.store.company, item)
        points: list[Point] = []
        rows = company.store.conn.execute(f"{RECEIPTS} AND top >= ? ORDER BY top, date, num, n", (*key, low))
        for row in rows:
            points.append(point(row))
            if points[-1].total >= high:
                return Curve(points)
        # Beyond the last receipt units are taken at its price.
        last = company.store.conn.execute(f"{RECEIPTS} ORDER BY date DESC, num DESC, n DESC LIMIT 1", key).fetchone()
        if last is None:
            raise RuntimeError(f"item {item} has no first entry in stock: it was not set up")
        return Curve(points or [point(last)])

    def at(self, total: int) -> int:
        """The cost of the first `total` units in millionths, rounded half up to cents."""
        totals = [one.total for one in self.points]
        found = self.points[min(bisect_left(totals, total), len(totals) - 1)]
        exact = found.worth - (found.total - total) * found.price
        return int((exact / CENT).quantize(Decimal(1), rounding=ROUND_HALF_UP)) * CENT


def point(row: tuple[int, int, int, int, str]) -> Point:
    """A row of the table; what came in without units has the price that was known."""
    total, worth, quantity, value, price = row
    return Point(total, worth, Decimal(value) / quantity if quantity else Decimal(price))
