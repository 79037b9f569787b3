"""Word lists of the field: legal forms, trades, given names and their short forms, street words.

Invariant: every entry is already folded (lower case, no accents, no punctuation), so that look-ups need no clean-up.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Values group the forms that offices mix up; "" is a form too vague to contradict another one.
LEGAL_FORMS: dict[str, str] = {
    "llc": "llc", "lc": "llc", "pllc": "llc", "inc": "corporation", "incorporated": "corporation",
    "corp": "corporation", "corporation": "corporation", "pc": "corporation", "co": "", "company": "", "cos": "",
    "ltd": "ltd", "limited": "ltd", "plc": "ltd", "pty": "ltd", "lp": "partnership", "llp": "partnership",
    "lllp": "partnership", "gmbh": "gmbh", "ag": "ag", "bv": "bv", "nv": "nv", "kg": "kg",
}  # fmt: skip

# Adding or leaving out one of these does not make another company.
FILLERS = _words(
    "the of and for in at services service svc svcs group enterprises enterprise company co international intl usa us "
    "america solutions holdings partners associates assoc"
)

# Adding or leaving out one of these may well be a sister company, so a person decides.
TRADES = _words(
    "roofing roof plumbing electric electrical electricians hvac heating cooling air conditioning mechanical painting "
    "paint painters landscaping landscape landscapes lawn garden gardens nursery tree construction contracting "
    "contractors contractor builders builder building buildings remodeling remodel renovations renovation homes home "
    "house kitchen kitchens bath flooring floors floor tile carpet concrete masonry paving asphalt excavating "
    "excavation drywall insulation siding gutters gutter windows window doors door glass fence fencing pool pools "
    "cleaning restoration pest control security alarm solar energy power supply supplies hardware lumber materials "
    "equipment rental rentals tools tool design designs architects engineering engineers surveying management "
    "property properties realty estate estates apartments apartment condominium condominiums condo hoa association "
    "housing development developers investments investment capital bank insurance law legal medical dental clinic "
    "hospital pharmacy health veterinary church school academy university college hotel inn motel suites restaurant "
    "cafe grill pizza bakery diner bar market store stores shop foods auto automotive motors tire garage trucking "
    "transport logistics freight storage industries industrial manufacturing products systems technologies technology "
    "software consulting marketing media studio studios salon spa fitness gym club county township city department "
    "dept museum library foundation trust fund society center centre plaza mall tower office offices"
)

# What a business that is its premises calls itself; added or left out it is still the one at that door.
PREMISES = _words(
    "restaurant restaurants ristorante trattoria brasserie bistro cafe caffe coffee grill grille pizza pizzeria bakery "
    "diner bar pub tavern steakhouse bbq barbecue cuisine eatery kitchen cantina deli delicatessen hotel inn motel "
    "suites salon spa pharmacy market store shop boutique gallery clinic dental gym club church school museum library "
    "center centre building plaza mall tower room house"
)

COMPANY_WORDS = (FILLERS - _words("the of and for in at")) | TRADES | PREMISES

TITLES = _words("mr mrs ms miss dr prof rev")

GENERATIONS: dict[str, str] = {
    "jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "2nd": "ii", "iii": "iii", "3rd": "iii",
    "iv": "iv",
}  # fmt: skip

PARTICLES = _words("van von der den de la le del della di da dos du st ter mac mc al el bin")

# First word: the full name; the rest: the forms it is also written in.
_NICKNAMES = """
abigail abby|albert al bert|alexander alex sasha|alexandra alex sandra lexi|alfred al fred|andrew andy drew|
anthony tony|barbara barb|benjamin ben benny|catherine katherine kathryn kate kathy cathy katie kathleen|
charles charlie chuck chas|christine christina chris tina|christopher chris topher|cynthia cindy|daniel dan danny|
david dave davey|deborah debra deb debbie|donald don donnie|dorothy dot dottie|douglas doug|edward ed eddie ted|
elizabeth liz beth betty lisa eliza betsy|eugene gene|francis frank|franklin frank|frederick fred freddie|
gabriel gabe|gerald gerry jerry|gregory greg|harold hal harry|henry hank harry|isabella bella|jacob jake|
james jim jimmy jamie|jeffrey jeff geoffrey geoff|jennifer jen jenny|jessica jess jessie|john johnny jack jon|
jonathan jon|joseph joe joey|joshua josh|judith judy|kenneth ken kenny|kimberly kim|lawrence larry|
leonard leo len lenny|louis lou lewis|margaret maggie peggy meg marge|martin marty|matthew matt|
megan meg|michael mike mick mickey|nathan nate|nathaniel nate nathan|nicholas nick|nicole nikki|
pamela pam|
patricia pat patty trish|
patrick pat|peter pete|philip phillip phil|rebecca becky|raymond ray|richard rick rich dick ricky|
robert bob bobby rob robbie|
ronald ron ronnie|russell russ|samantha sam|samuel sam sammy|sandra sandy|stephen steven steve|stephanie steph|
susan sue suzanne susie|theodore ted teddy theo|theresa teresa terri tess|thomas tom tommy|timothy tim|
valerie val|veronica ronnie|victor vic|victoria vicky tori|vincent vince|walter walt|william bill will billy willie|
zachary zach zack
"""

_OTHER_GIVEN = """
aaron adam alan alice amanda amber amy andrea angela ann anna anne annie arthur ashley austin beverly brandon brenda
brian bryan bruce bryce carl carla carlos carol caroline carolyn cheryl christian claire craig crystal dale dana
danielle dean denise dennis derek diana diane donna dylan eileen elaine ellen emily emma eric erica erin ethan eva evan
evelyn frances gail gary george gina glenn gloria grace hannah heather heidi helen ian irene jackie jane janet janice
jared jason jay jean jeremy jesse jill jim jo joan joanne jordan jose joyce juan julia julian julie justin karen karl
kayla keith kelly kelsey kevin kristen kristin kurt kyle larissa laura lauren leah lee leslie linda lori louise lucas
lucy luis luke lynn marc marcus maria marie marilyn mario marion mark marsha martha mary maureen maria megan melanie
melissa michele michelle miguel mildred molly monica nancy natalie neil noah nora norma oliver olivia oscar pablo paige
paul paula pauline pedro phyllis rachel ralph randy regina renee roberta robin rodney roger ronda rosa rose roy ruby
ruth ryan sally sara sarah scott sean shane shannon sharon shawn sheila shelly sherry shirley sophia stacy stanley
stuart sylvia tamara tammy tanya tara terry tiffany todd tracy travis trevor troy tyler vanessa vernon vivian wanda
wayne wendy wesley yolanda yvonne
ada adrian adrienne aidan alberto alexis alexandria alicia alisha allen allison alyssa amelia ana andre angelica angel
annette april ariana ariel arnold ava avery bailey barry becky bernard beth bethany betty bianca billy bonnie brad
bradley brandi brendan brent brett briana brianna brittany brittney brooke caitlin caleb cameron candace carlton carmen
carrie casey cassandra cassidy cathy chad charlene charlotte chase chelsea cheyenne chloe christa christie clarence
claudia clayton clifford clinton cody colin colleen collin connie connor corey cory courtney craig cristian curtis
dakota dalton damon daisy darius darlene darrell darren daryl dawn debra deanna desiree devin devon diego dominic doris
duane dustin dwayne earl edgar edwin eduardo eleanor eli elijah elias ella erik ernest esther evelyn faith felicia
fernando florence gavin geoffrey gilbert glen gordon gregg guy gwendolyn hailey haley hannah harley hayden hector
herbert hunter ian irma isaac isabel isaiah ivan jackson jaclyn jacqueline jada jaime jamie jasmin jasmine jenna jeffery
jeremiah jermaine jerome jessie jimmy joann joanna joel jocelyn johnathan jonathon jorge josephine josiah juanita
jeanette jeanne kaitlin kaitlyn kara kari karina karla kathryn katrina kellie kendra kerry kirk krista kristi kristina
kristine kristy kylie lacey lance latoya laurie leon leonard leroy levi liam lindsay lindsey logan lois loretta lorraine
lucille luther lydia mackenzie madeline madison makayla malik mallory manuel marcia margaret mariah
marisa marissa marlene
martha marvin mason maurice maxwell mckenzie meghan melinda melvin mercedes meredith mia micheal misty mitchell molly
monique morgan mya myrtle naomi natasha nathaniel nichole nina olga omar pamela patrick peggy penny perry peter preston
priscilla quincy rachael raul reginald renee rhonda ricardo rickey riley roberto rodney roland
roman ronald rosemary ross
roy ruben sabrina samantha savannah seth shane shari shaun shawna sheena shelby shelley sierra
sonia sonya spencer stacey
stacie stefanie sydney sylvia tabitha tamara tammie tanner tasha taylor terrance terrence tiffany tonya tracey tracie
tristan tyrone valerie vernon veronica vicki vicky vincent virginia walter warren whitney wilma wyatt xavier zoe
"""


def _nickname_groups() -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for group in _NICKNAMES.replace("\n", "").split("|"):
        full = group.split()[0]
        for name in group.split():
            groups.setdefault(name, set()).add(full)
    return {name: frozenset(found) for name, found in groups.items()}


NICKNAMES: dict[str, frozenset[str]] = _nickname_groups()
"""A given name to the groups of names it may stand for (`pat`: patricia or patrick)."""

GIVEN_NAMES: frozenset[str] = frozenset(NICKNAMES) | _words(_OTHER_GIVEN)

COMMON_SURNAMES = _words(
    "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson "
    "anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson "
    "walker young allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell "
    "mitchell carter roberts kim chen patel singh wang cohen murphy"
)

ABBREVIATIONS: dict[str, str] = {
    "mtn": "mountain", "mt": "mount", "bros": "brothers", "mgmt": "management", "mgt": "management",
    "constr": "construction", "const": "construction", "elec": "electric", "htg": "heating", "clg": "cooling",
    "mfg": "manufacturing", "props": "properties", "prop": "property", "bldrs": "builders", "bldg": "building",
    "natl": "national", "intl": "international", "ctr": "center", "ent": "enterprises", "dist": "distribution",
    "equip": "equipment", "ins": "insurance", "landscpg": "landscaping", "svcs": "services", "svc": "service",
    "assn": "association", "assoc": "associates", "univ": "university", "dev": "development", "ind": "industries",
    "tech": "technologies", "sys": "systems", "contr": "contracting", "apts": "apartments", "apt": "apartment",
    "rest": "restaurant", "deli": "delicatessen", "grille": "grill", "centre": "center", "caffe": "cafe",
}  # fmt: skip

STREET_WORDS: dict[str, str] = {
    "street": "st", "str": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln",
    "boulevard": "blvd", "court": "ct", "place": "pl", "terrace": "ter", "circle": "cir", "parkway": "pkwy",
    "highway": "hwy", "square": "sq", "trail": "trl", "crescent": "cres", "close": "cl", "turnpike": "tpke",
    "expressway": "expy", "alley": "aly", "route": "rte", "mount": "mt", "saint": "st", "fort": "ft",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw",
    "southeast": "se", "southwest": "sw", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th",
    "fifth": "5th", "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th",
}  # fmt: skip

# What may be left out of a street without naming another one.
STREET_TYPES = _words("st ave rd dr ln blvd ct pl ter cir pkwy hwy sq trl cres cl tpke expy aly rte way")
DIRECTIONS = _words("n s e w ne nw se sw")
UNIT_WORDS = _words("apt apartment unit suite ste no room rm floor fl flat lot bldg building space spc")

STATES: dict[str, str] = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "florida": "fl", "georgia": "ga", "hawaii": "hi", "idaho": "id",
    "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky", "louisiana": "la",
    "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn",
    "mississippi": "ms", "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv",
    "new hampshire": "nh", "new jersey": "nj", "new mexico": "nm", "new york": "ny", "north carolina": "nc",
    "north dakota": "nd", "ohio": "oh", "oklahoma": "ok", "oregon": "or", "pennsylvania": "pa",
    "rhode island": "ri", "south carolina": "sc", "south dakota": "sd", "tennessee": "tn", "texas": "tx",
    "utah": "ut", "vermont": "vt", "virginia": "va", "washington": "wa", "west virginia": "wv",
    "wisconsin": "wi", "wyoming": "wy", "district of columbia": "dc",
}  # fmt: skip

FREE_MAIL = _words(
    "gmail.com yahoo.com hotmail.com outlook.com aol.com icloud.com msn.com live.com comcast.net verizon.net att.net "
    "sbcglobal.net me.com mac.com ymail.com protonmail.com proton.me gmx.com gmx.de mail.com example.com "
    "example.org example.net"
)
