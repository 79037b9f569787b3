"""Which customers a bookkeeper would say are the same, by name: contractor's name -> QuickBooks' name.

Invariant: read from the pipeline's own log by a process of its own, so that the server of a home is left at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_READ = """
import json, sys
from pathlib import Path
from sqlalchemy import create_engine, text
from qb_pipeline.store import embedded
engine = create_engine(embedded.ensure(Path(sys.argv[1])))
with engine.connect() as conn:
    rows = conn.execute(text(
        "select l.record_label, b.raw->>'DisplayName' from qb.sync_log l join staging_quickbooks.customer b"
        " on b.company = l.company and b.id = l.detail->>'quickbooks_id'"
        " where l.entity = 'customer' and l.action = 'linked' and l.detail->>'class' in ('exact', 'strong')"
    )).all()
print(json.dumps([list(row) for row in rows]))
"""


def linked(home: Path) -> dict[str, str]:
    """The customers that first contact linked by itself."""
    command = [sys.executable, "-c", _READ, str(home / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return {label.removeprefix("Customer "): there for label, there in json.loads(done.stdout.splitlines()[-1])}


GENERATED = {
    "Amara Lombardi": "Lombardi, Amara",
    "Bluebird Montessori": "BLUEBIRD MONTESSORI",
    "Brian Cavanaugh": "Brian Cavanaugh",
    "Carlos Smith": "Smith, Carlos",
    "Cedar Ridge Apartments LLC": "Cedar Ridge Apartments, LLC",
    "Daniel Zielinski": "DANIEL ZIELINSKI",
    "Delgado Brothers Produce Co.": "Delgado Brothers Produce",
    "Edward Pemberton": "Pemberton, Edward",
    "Elena Lindqvist": "Elena Lindqvist",
    "Foothill Community Church": "FOOTHILL COMMUNITY CHURCH",
    "Grace Thibodeaux": "Thibodeaux, Grace",
    "Granite Peak Lodging Inc.": "GRANITE PEAK LODGING INC.",
    "Hannah Vasquez": "Vasquez, Hannah",
    "Harbor Street Bakery LLC": "HARBOR STREET BAKERY LLC",
    "Ironwood Self Storage LLC": "IRONWOOD SELF STORAGE LLC",
    "James Fairbanks": "Fairbanks, James",
    "Joshua Hollister": "Joshua Hollister",
    "Juniper Hill Senior Living LLC": "Juniper Hill Senior Living, LLC",
    "Karen Kowalczyk": "KAREN KOWALCZYK",
    "Lakeshore Fitness Center LLC": "Lakeshore Fitness Center",
    "Linda Whitlock": "Whitlock, Linda",
    "Maria Sandoval": "Sandoval, Maria",
    "Matthew Fitzgerald": "MATTHEW FITZGERALD",
    "Michael Jankowski": "Jankowski, Michael",
    "Nancy Wexler": "Wexler, Nancy",
    "Odette Abernathy": "Abernathy, Odette",
    "Orchard Lane Nursery Inc.": "Orchard Lane Nursery",
    "Pacific Crest Realty Inc.": "Pacific Crest Realty, Inc.",
    "Priya Brennan": "PRIYA BRENNAN",
    "Quarry Road Quilting LLC": "Quarry Road Quilting LLC",
    "Ronald Underhill": "Underhill, Ronald",
    "Rosa Marchetti": "Rosa Marchetti",
    "Sandra Delacroix": "Delacroix, Sandra",
    "Silver Oak Winery LLC": "Silver Oak Winery",
    "Tamarack Brewing Co.": "TAMARACK BREWING CO.",
    "Timothy Okafor": "TIMOTHY OKAFOR",
    "Vista Hermosa Restaurant Inc.": "Vista Hermosa Restaurant, Inc.",
    "Whistle Stop Hardware Inc.": "Whistle Stop Hardware Inc.",
    "Willow Creek Homeowners Association": "Willow Creek Homeowners Assn",
    "Yvonne Rutherford": "YVONNE RUTHERFORD",
}
RECORDED = {
    "Cho, Mark": "Mark Cho",
    "Cool Cars": "Cool Cars",
    "Dukes Basketball Camp": "Dukes Basketball Camp",
    "Freeman Sporting Goods": "Freeman Sporting Goods",
    "Gevelber Photography": "Gevelber Photography",
    "Melton, John": "John Melton",
    "Pye's Cakes": "Pye's Cakes",
    "Rago Travel Agency": "Rago Travel Agency",
    "Rondonuwu and Vegi": "Rondonuwu Fruit and Vegi",
    "Sonnenschein Family Store": "Sonnenschein Family Store",
    "Test Customer Final": "Test Customer Final",
    "Waldron, Travis": "Travis Waldron",
    "Wedding Planning by Whitney": "Wedding Planning by Whitney",
}
