"""The words from which the generated book is made: names of people, firms, streets and towns.

Invariant: common names are drawn far more often than rare ones, as in a real customer list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN = _words(
    "James Mary Robert Patricia John Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph "
    "Jessica Thomas Karen Charles Sarah Daniel Lisa Matthew Nancy Anthony Betty Mark Sandra Donald Ashley Steven "
    "Emily Andrew Kimberly Paul Donna Joshua Carol Kenneth Michelle Kevin Amanda Brian Melissa George Deborah "
    "Timothy Stephanie Gregory Rebecca Samuel Laura Raymond Cynthia Patrick Amy Alexander Kathleen Jack Angela Dennis "
    "Shirley Jerry Brenda Tyler Emma Aaron Anna Henry Pamela Jos\u00e9 Nicole Douglas Ruth Peter Katherine Adam "
    "Christine Nathan Diane Zachary Virginia Walter Julie Kyle Joyce Harold Victoria Carl Kelly Jeremy Lauren Arthur "
    "Andrea Lawrence Megan Sean Grace Priya Wei Omar Ingrid Th\u00e9r\u00e8se Darnell Keisha Hiroshi Fatima Tadeusz"
)
COMMON = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonz\u00e1lez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Lewis Robinson Walker "
    "Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell "
    "Carter Roberts M\u00fcller Sch\u00e4fer O'Brien Pe\u00f1a Patel Kim Chen Murphy Cohen"
)
RARE = tuple(
    head + tail
    for head, tail in product(
        _words(
            "Abern Brann Castell Dubr Eastl Fairw Galbr Hathaw Ingers Jankow Kensing Lomb Montg Northc Oppen Prend "
            "Quack Ruther Satter Throck Under Villan Whitak Yarb Zimmer Wojc Stein Rosen Haver Lind Berg Hofst Kow Mal"
        ),
        _words(
            "athy igan ano ois ake eather aith ell ski ton ardi omery ott heim ergast enbush ford field morton hill "
            "ueva orough mann ik berg quist strom stad alczyk one"
        ),
    )
)
TRADES = _words(
    "Roofing Plumbing Electric Landscaping Painting Construction Flooring Masonry Fencing Remodeling Builders Heating "
    "Drywall Concrete Excavating Insulation Glass Paving Cabinets Properties"
)
HEADS = tuple(
    f"{a} {b}"
    for a, b in product(
        _words("Blue Red Silver Golden Summit Iron Lone North West Cedar Granite Eagle Liberty Pioneer Heritage Stone"),
        _words("Ridge River Star Creek Mountain Peak Valley Oak Harbor Gate Bridge Prairie Canyon Lake"),
    )
)
LEGAL = ("LLC", "Inc.", "Ltd", "Corp", "Co.", "")
STREETS = (
    *_words("Main Oak Maple Cedar Elm Washington Park Pine Church Walnut Lincoln Jackson Franklin Madison"),
    *(a + b for a, b in product(
        _words("Hill Lake Ridge Stone Meadow Birch Fair Wood Rock Spring Brook Clear Glen Mill Fox Deer Haw Ash Thorn"),
        _words("crest view wood gate brook field land dale ford haven mont shire bury ton vale"),
    )),
)  # fmt: skip
STREET_TYPES = {
    "Street": "St", "Avenue": "Ave", "Drive": "Dr", "Lane": "Ln", "Court": "Ct", "Boulevard": "Blvd", "Road": "Rd",
}  # fmt: skip
DIRECTIONS = {"North": "N", "South": "S", "East": "E", "West": "W"}
STATES = ("TX", "OK", "NM", "CO", "KS", "AR")
PLACES = tuple(
    (f"{head}{tail}", STATES[i % len(STATES)], f"7{i:02d}")
    for i, (head, tail) in enumerate(
        product(_words("Austin George Round Pfluger Drip Wim Hut Tay Elg Bast"), _words("ville town rock wood burg"))
    )
)
NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Michael": "Mike", "Elizabeth": "Liz", "Thomas": "Tom", "James": "Jim",
    "Richard": "Rick", "Joseph": "Joe", "Jennifer": "Jen", "Patricia": "Pat", "Daniel": "Dan", "Matthew": "Matt",
    "Anthony": "Tony", "Steven": "Steve", "Andrew": "Andy", "Kimberly": "Kim", "Kenneth": "Ken", "Gregory": "Greg",
    "Timothy": "Tim", "Samuel": "Sam", "Katherine": "Kathy", "Rebecca": "Becky", "Susan": "Sue", "David": "Dave",
    "Margaret": "Peggy", "Charles": "Chuck", "Deborah": "Debbie", "Lawrence": "Larry", "Victoria": "Vicky",
}  # fmt: skip
ABBREVIATIONS = {
    "Construction": "Constr", "Electric": "Elec", "Heating": "Htg", "Properties": "Props", "Mountain": "Mtn",
    "Brothers": "Bros", "Services": "Svcs", "Landscaping": "Landscape", "Masonry": "Mas.", "Management": "Mgmt",
}  # fmt: skip
JOBS = ("Kitchen remodel", "Roof 2024", "Bath", "Deck", "Phase 2", "Garage", "Basement finish")
MAIL_HOSTS = ("gmail.com", "yahoo.com", "outlook.com", "aol.com", "icloud.com")


@dataclass(frozen=True)
class Door:
    line1: str
    city: str
    state: str
    postal_code: str


def surname(random: Random) -> str:
    return random.choice(COMMON) if random.random() < 0.4 else random.choice(RARE)


def door(random: Random) -> Door:
    city, state, zip_start = random.choice(PLACES)
    direction = f"{random.choice(list(DIRECTIONS))} " if random.random() < 0.2 else ""
    street = f"{direction}{random.choice(STREETS)} {random.choice(list(STREET_TYPES))}"
    return Door(f"{random.randint(1, 9900)} {street}", city, state, f"{zip_start}{random.randint(0, 8):02d}")


def telephone(random: Random) -> str:
    area = random.choice(("512", "737", "405", "505", "719", "316"))
    return f"{area}{random.randint(200, 999)}{random.randint(0, 9999):04d}"
