"""Customers with jobs, vendors and employees of the sample company, its classes and locations.

Invariant: the first customer by name is a top-level one with an address and e-mail, and the first vendor and employee
by name are complete: suites take the first of a list.
"""

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.seed.maker import Maker

CustomerFacts = tuple[str, str, str, str, str, str, str, bool, tuple[str, ...]]
VendorFacts = tuple[str, str, str, str, str, str, bool]
# DisplayName -> (given name, family name, e-mail, phone, street, city, term, taxable, jobs)
CUSTOMERS: dict[str, CustomerFacts] = {
    "Alder Creek Winery": ("Nora", "Vance", "office@aldercreek.test", "(555) 010-1101", "18 Vineyard Ln", "Lodi", "3",
                           True, ("Barrel hall", "Tasting room")),
    "Brightwater Dental": ("Omar", "Haddad", "front@brightwater.test", "(555) 010-1102", "402 J St", "Sacramento", "3",
                           True, ()),
    "Calloway Family": ("Jess", "Calloway", "jess@calloway.test", "(555) 010-1103", "9 Elm Ct", "Davis", "1", False,
                        ()),
    "Dunmore Elementary": ("Rita", "Solis", "facilities@dunmore.test", "(555) 010-1104", "75 School Rd", "Dixon", "4",
                           False, ("Gym roof", "Library shelving")),
    "Eastgate Storage": ("Lee", "Tran", "lee@eastgate.test", "(555) 010-1105", "1200 Depot Way", "West Sacramento", "2",
                         True, ()),
    "Fennel & Fig Kitchen": ("Paola", "Ricci", "paola@fennelfig.test", "(555) 010-1106", "31 Market Sq", "Davis", "2",
                             True, ("Patio cover",)),
    "Grady Orchard": ("Tom", "Grady", "tom@gradyorchard.test", "(555) 010-1107", "6600 Levee Rd", "Winters", "3",
                      False, ()),
    "Hartwell Residence": ("Ana", "Hartwell", "ana@hartwell.test", "(555) 010-1108", "14 Willow Bend", "Folsom", "1",
                           False, ("Deck", "Kitchen remodel")),
    "Ito Pottery Studio": ("Ken", "Ito", "ken@itopottery.test", "(555) 010-1109", "88 Kiln Alley", "Reno", "3", True,
                           ()),
    "Juniper Apartments": ("Dale", "Moss", "manager@juniper.test", "(555) 010-1110", "500 Juniper Ave", "Reno", "4",
                           True, ("Building A", "Building B")),
    "Kestrel Cycles": ("Maya", "Lindgren", "maya@kestrel.test", "(555) 010-1111", "27 Canal St", "Sacramento", "2",
                       True, ()),
    "Lopez, Daniel": ("Daniel", "Lopez", "daniel@lopez.test", "(555) 010-1112", "3 Heron Way", "Elk Grove", "1", False,
                      ()),
}  # fmt: skip
# DisplayName -> (given name, family name, e-mail, street, city, term, takes a 1099)
VENDORS: dict[str, VendorFacts] = {
    "Anchor Tool Rental": ("Gus", "Perry", "desk@anchortool.test", "210 Yard St", "Sacramento", "3", False),
    "Bell Insurance Brokers": ("Iris", "Bell", "iris@bellins.test", "77 K St", "Sacramento", "3", False),
    "Capital Power": ("", "", "billing@capitalpower.test", "1 Grid Plaza", "Sacramento", "2", False),
    "Delta Concrete Supply": ("Hank", "Orr", "orders@deltaconcrete.test", "9 Batch Rd", "Rio Vista", "3", False),
    "Everly Signs": ("Joan", "Everly", "joan@everly.test", "40 Print Row", "Davis", "2", False),
    "Northside Fuel": ("", "", "cards@northsidefuel.test", "3300 Auburn Blvd", "Sacramento", "1", False),
    "Ortega Electric": ("Luis", "Ortega", "luis@ortega.test", "16 Volt Ct", "Woodland", "2", True),
    "Pine Ridge Hardware": ("Bev", "Stone", "counter@pineridge.test", "820 Main St", "Folsom", "3", False),
    "Quill Bookkeeping": ("Sara", "Quill", "sara@quill.test", "5 Ledger Ln", "Davis", "2", True),
    "Valley Lumber Supply": ("Ron", "Dietz", "sales@valleylumber.test", "6100 Mill Rd", "Woodland", "3", False),
}
EMPLOYEES = (("Bea", "Lindqvist"), ("Marco", "Ruiz"), ("Sam", "Okafor"))
CLASSES = ("Remodel", "Repair", "Commercial")
# After "Test …": a suite makes such a location and then renames the first one to the same name.
LOCATIONS = ("Truckee shop", "West Sacramento yard")
STATES = {"Reno": "NV"}


def seed_people(maker: Maker) -> None:
    """Everybody, and the lists that sort transactions."""
    for name, customer in CUSTOMERS.items():
        seed_customer(maker, name, customer)
    for name, vendor in VENDORS.items():
        seed_vendor(maker, name, vendor)
    for given, family in EMPLOYEES:
        address = {"Line1": "2 Crew St", "City": "Sacramento", "CountrySubDivisionCode": "CA", "PostalCode": "95814"}
        maker.make("Employee", f"{given} {family}", GivenName=given, FamilyName=family, PrimaryAddr=address)
    for name in CLASSES:
        maker.make("Class", name, Name=name)
    for name in LOCATIONS:
        maker.make("Department", name, Name=name)


def seed_customer(maker: Maker, name: str, facts: CustomerFacts) -> None:
    """A customer and its jobs, which are remembered as `customer:job`."""
    given, family, email, phone, street, city, term, taxable, jobs = facts
    maker.make(
        "Customer",
        name,
        DisplayName=name,
        GivenName=given,
        FamilyName=family,
        CompanyName=None if family in name else name,
        PrimaryEmailAddr={"Address": email},
        PrimaryPhone={"FreeFormNumber": phone},
        BillAddr=address_of(street, city),
        SalesTermRef={"value": term},
        Taxable=taxable,
    )
    for job in jobs:
        maker.make("Customer", f"{name}:{job}", DisplayName=job, Job=True, ParentRef=maker.ref("Customer", name))


def seed_vendor(maker: Maker, name: str, facts: VendorFacts) -> None:
    """A vendor."""
    given, family, email, street, city, term, form_1099 = facts
    maker.make(
        "Vendor",
        name,
        DisplayName=name,
        CompanyName=name,
        GivenName=given or None,
        FamilyName=family or None,
        PrimaryEmailAddr={"Address": email},
        BillAddr=address_of(street, city),
        TermRef={"value": term},
        Vendor1099=form_1099,
    )


def address_of(street: str, city: str) -> JsonObject:
    """An address in California or Nevada."""
    state = STATES.get(city, "CA")
    return {"Line1": street, "City": city, "CountrySubDivisionCode": state, "PostalCode": "95600", "Country": "USA"}
