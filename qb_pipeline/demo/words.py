"""Names, streets and trades the generated company is made of.

Invariant: plain data; nothing here depends on the seed.
"""

GIVEN = (
    "James", "Maria", "Robert", "Patricia", "Michael", "Linda", "William", "Elena", "David", "Susan", "Carlos",
    "Jessica", "Thomas", "Karen", "Daniel", "Nancy", "Matthew", "Grace", "Anthony", "Sandra", "Kenji", "Amara",
    "Steven", "Priya", "Andrew", "Dorothy", "Joshua", "Ingrid", "Kevin", "Fatima", "Brian", "Chloe", "Edward",
    "Rosa", "Ronald", "Yvonne", "Timothy", "Hannah", "Jeffrey", "Odette",
)  # fmt: skip
FAMILY = (
    "Smith", "Alvarez", "Whitlock", "Okafor", "Brennan", "Castellano", "Dubois", "Eriksen", "Fairbanks", "Grantham",
    "Hollister", "Ibarra", "Jankowski", "Kowalczyk", "Lindqvist", "Marchetti", "Nakamura", "Ostrander", "Pemberton",
    "Quintero", "Rutherford", "Sandoval", "Thibodeaux", "Underhill", "Vasquez", "Wexler", "Yamada", "Zielinski",
    "Abernathy", "Blackwood", "Cavanaugh", "Delacroix", "Everhart", "Fitzgerald", "Goldstein", "Hargrove", "Iverson",
    "Jorgensen", "Kessler", "Lombardi",
)  # fmt: skip
COMPANIES = (
    ("Cedar Ridge Apartments", "LLC"), ("Bayview Dental Clinic", "Inc."), ("Harbor Street Bakery", "LLC"),
    ("Granite Peak Lodging", "Inc."), ("Willow Creek Homeowners Association", ""), ("Redwood Elementary School", ""),
    ("Pacific Crest Realty", "Inc."), ("Stonegate Property Management", "LLC"), ("Sunrise Veterinary Hospital", "Inc."),
    ("Delgado Brothers Produce", "Co."), ("Northgate Auto Body", "Inc."), ("Silver Oak Winery", "LLC"),
    ("Foothill Community Church", ""), ("Lakeshore Fitness Center", "LLC"), ("Orchard Lane Nursery", "Inc."),
    ("Capitol Print Works", "Inc."), ("Meridian Title Company", "LLC"), ("Ironwood Self Storage", "LLC"),
    ("Bluebird Montessori", ""), ("Tamarack Brewing", "Co."), ("Vista Hermosa Restaurant", "Inc."),
    ("Quarry Road Quilting", "LLC"), ("Whistle Stop Hardware", "Inc."), ("Juniper Hill Senior Living", "LLC"),
)  # fmt: skip
STREETS = (
    "Maple Street", "Alder Avenue", "Quarry Road", "Mission Boulevard", "Sycamore Lane", "Placer Drive",
    "Fulton Court", "Old Ranch Road", "Harbor Street", "Juniper Avenue", "Kestrel Place", "Bridge Street",
)  # fmt: skip
TOWNS = (
    ("Sacramento", "95814", "916"), ("Davis", "95616", "530"), ("Folsom", "95630", "916"),
    ("Roseville", "95678", "916"), ("Elk Grove", "95624", "916"), ("Auburn", "95603", "530"),
    ("Woodland", "95695", "530"),
)  # fmt: skip
JOBS = (
    "Kitchen remodel", "Water heater replacement", "Panel upgrade", "Roof repair", "Bathroom rough-in", "Furnace swap",
    "Garage conversion", "Sewer line", "Deck rebuild", "Rewire first floor", "Heat pump installation", "Gutter job",
    "Tenant improvement", "Backflow retrofit", "Attic insulation", "Parking lot lighting",
)  # fmt: skip
DIVISIONS = ("Plumbing", "Electrical", "Roofing", "Heating & Cooling")
# (name, SKU, kind, description, unit price, unit cost, taxable)
ITEMS = (
    ("Plumber hour", "LAB-PL", "labor", "Licensed plumber, per hour", "118.00", None, False),
    ("Electrician hour", "LAB-EL", "labor", "Licensed electrician, per hour", "124.50", None, False),
    ("Roofer hour", "LAB-RF", "labor", "Roofer, per hour", "96.00", None, False),
    ("Apprentice hour", "LAB-AP", "labor", "Apprentice, per hour", "58.75", None, False),
    ("Service call", "SVC-CALL", "service", "Visit and diagnosis within the county", "89.00", None, False),
    ("Emergency call", "SVC-EMER", "service", "Nights, Sundays and holidays", "210.00", None, False),
    ("Drain cleaning", "SVC-DRAIN", "service", "Main line, up to 100 feet", "245.00", None, False),
    ("Camera inspection", "SVC-CAM", "service", "Sewer camera with recording", "185.00", None, False),
    ("Permit handling", "SVC-PERM", "service", "City permit, filed for the customer", "160.00", None, False),
    ("Annual maintenance", "SVC-AM", "service", "Heating and cooling check-up", "149.00", None, False),
    ("Haul away", "SVC-HAUL", "service", "Removal and disposal", "75.00", None, False),
    ("Water heater 50 gal", "WH-50", "material", "Gas, 50 gallons, 12-year", "1189.00", "742.50", True),
    ("Water heater 40 gal", "WH-40", "material", "Gas, 40 gallons, 6-year", "896.00", "561.20", True),
    ("Copper pipe 3/4 in", "CU-075", "material", "Type L, per foot", "6.85", "3.1275", True),
    ("PEX pipe 1/2 in", "PEX-050", "material", "Per foot", "1.38", "0.4625", True),
    ("Ball valve 3/4 in", "BV-075", "material", "Brass, full port", "24.90", "11.40", True),
    ("Sump pump 1/2 hp", "SP-050", "equipment", "Cast iron, with float switch", "438.00", "268.00", True),
    ("Breaker panel 200 A", "PNL-200", "equipment", "40 spaces, main breaker", "612.00", "377.40", True),
    ("Breaker 20 A", "BRK-20", "material", "Single pole, AFCI", "58.20", "36.05", True),
    ("Romex 12/2", "NM-122", "material", "Per foot", "1.12", "0.5180", True),
    ("Conduit 3/4 in", "EMT-075", "material", "EMT, 10-foot stick", "14.60", "7.95", True),
    ("LED fixture 4 ft", "LED-4", "material", "40 W, 4000 K", "79.00", "41.30", True),
    ("EV charger 48 A", "EV-48", "equipment", "Hard-wired, with load sharing", "799.00", "545.00", True),
    ("Shingles, architectural", "SHG-ARC", "material", "Per bundle", "48.75", "31.10", True),
    ("Underlayment", "UND-SYN", "material", "Synthetic, 10-square roll", "96.40", "62.00", True),
    ("Ridge vent", "RV-4", "material", "4-foot section", "19.25", "10.80", True),
    ("Furnace 80k BTU", "FUR-80", "equipment", "96 % efficiency, two stage", "2145.00", "1480.00", True),
    ("Heat pump 3 ton", "HP-3", "equipment", "16 SEER2, with pad", "4380.00", "3120.00", True),
    ("Thermostat, smart", "TST-S", "material", "With sensor", "249.00", "158.00", True),
    ("Air filter 20x25", "FLT-2025", "material", "MERV 11, 4 inches", "38.50", "17.60", True),
)  # fmt: skip
NOTES = ("Gate code at the office", "Prefers morning visits", "Dog in the yard", "Call before coming", "Net 30 agreed")
TEXTS = (
    "Work was done on two visits.", "Warranty on labor: one year.", "Crew: Ortega, Bell.", "Materials as per quote.",
    "Access through the alley gate.", "Old unit left with the customer.", "Inspection passed the same day.",
    "See photos sent by e-mail.",
)  # fmt: skip
MEMOS = ("Thank you for your business.", "Please pay by the due date.", "Progress billing, see contract.")
