"""JournalEntry: debits and credits somebody wrote down.

Invariant: debits equal credits; a line on receivables names its customer, a line on payables its vendor, and there is
one such line at most, so that every open item has one owner.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_frozen
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, inactive, missing, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import PEOPLE, ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Group, Many, Number, Property, Ref, Text

DETAIL = "JournalEntryLineDetail"
# AccountType of a control account -> the kind of party its lines must name.
PARTY_OF = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}
LINE = Group(
    {
        "Id": Text(20),
        "LineNum": Number(),
        "Description": Text(4000),
        "Amount": MONEY,
        "DetailType": Text(50),
        "LinkedTxn": RO,
        "CustomField": RO,
        "CustomExtensions": RO,
        "LineEx": RO,
        "ProjectRef": Ref("Customer", named=False),
        DETAIL: Group(
            {
                "PostingType": Choice(("Debit", "Credit")),
                "AccountRef": Ref("Account"),
                "Entity": Group({"Type": Choice(PEOPLE), "EntityRef": Ref("")}),
                "ClassRef": Ref("Class"),
                "DepartmentRef": Ref("Department"),
                "JournalCodeRef": Ref("JournalCode", named=False),
                "TaxCodeRef": Ref("", named=False),
                "TaxApplicableOn": Choice(("Sales", "Purchase")),
                "TaxAmount": MONEY,
                "BillableStatus": Choice(("Billable", "NotBillable", "HasBeenBilled")),
            }
        ),
        "DescriptionLineDetail": RO,
    }
)
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "Adjustment": Flag(),
    "HomeCurrencyAdjustment": Flag(),
    "Line": Many(LINE),
    "TxnTaxDetail": RO,
}
LAYOUT = (
    "Adjustment", "HomeCurrencyAdjustment", "TotalAmt", "HomeTotalAmt", *HEAD, "DocNumber", "TxnDate", "CurrencyRef",
    "ExchangeRate", "PrivateNote", "Line", "TxnTaxDetail",
)  # fmt: skip
LINE_LAYOUT = ("Id", "LineNum", "Description", "Amount", "DetailType", DETAIL, "ProjectRef", "CustomExtensions")
DETAIL_LAYOUT = ("PostingType", "Entity", "AccountRef", "ClassRef", "DepartmentRef", "JournalCodeRef")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a journal entry. 2020, 2260, 2290, 2300, 2500, 610, 6000, 6210."""
    obj, before = draft.obj, draft.before
    if not obj.get("Line"):
        raise missing("Line")
    complete_date(company, obj)
    if "Line" in draft.sent:
        old = {(kind, key) for line in (before or {}).get("Line") or [] for kind, key in [party_of(line)]}
        lines = numbered(obj["Line"], (before or {}).get("Line") or [])
        obj["Line"] = [complete_line(company, line, old) for line in lines]
    check_balanced(obj["Line"])
    check_control_lines(company, obj["Line"])
    complete_currency(company, obj)
    obj.setdefault("Adjustment", False)
    obj["TotalAmt"] = 0
    obj["TxnTaxDetail"] = {}
    for key in ("LinkedTxn", "GlobalTaxCalculation"):
        obj.pop(key, None)
    return obj


def complete_currency(company: Company, obj: JsonObject) -> None:
    """The home currency unless another one is named."""
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    obj.pop("ExchangeRate", None)


def numbered(lines: list[JsonObject], stored: list[JsonObject]) -> list[JsonObject]:
    """Known Ids stay; new lines count on from the highest ever used here, the first of all being 0."""
    known = {str(line["Id"]) for line in stored if "Id" in line}
    following = max((int(identifier) for identifier in known if identifier.isdecimal()), default=-1) + 1
    result: list[JsonObject] = []
    for line in lines:
        identifier = str(line.get("Id"))
        if identifier in known:
            known.discard(identifier)
        else:
            identifier, following = str(following), following + 1
        result.append({**line, "Id": identifier})
    return result


def complete_line(company: Company, line: JsonObject, old: set[tuple[str | None, str | None]]) -> JsonObject:
    """One line, as a debit or a credit of an account."""
    kind = line.get("DetailType", DETAIL)
    if kind == "DescriptionOnly":
        return {**arranged({k: v for k, v in line.items() if k not in (DETAIL, "Amount")}, LINE_LAYOUT)}
    if kind != DETAIL:
        raise Fault(2170, f"DetailType {kind} cannot stand on a JournalEntry.", element="Line.DetailType")
    detail = line.get(DETAIL) or {}
    check_detail(line, detail)
    if "Entity" in detail:
        complete_party(company, detail["Entity"], old)
    entry = {**line, "DetailType": DETAIL, DETAIL: arranged(detail, DETAIL_LAYOUT), "CustomExtensions": []}
    return arranged(entry, LINE_LAYOUT)


def check_detail(line: JsonObject, detail: JsonObject) -> None:
    """2020, 2260, 2290; tax on journal lines is not modelled."""
    if "Amount" not in line:
        raise missing("Line.Amount")
    if decimal_of(line["Amount"]) < 0:
        raise Fault(2290, f"A line's amount must not be negative: {line['Amount']}.", element="Line.Amount")
    if "PostingType" not in detail:
        raise Fault(2260, "PostingType is required: Debit or Credit.", element="PostingType")
    if "AccountRef" not in detail:
        raise missing("JournalEntryLineDetail.AccountRef")
    if decimal_of(detail.get("TaxAmount")):
        raise not_modelled("TaxAmount on a journal line")


def complete_party(company: Company, party: JsonObject, old: set[tuple[str | None, str | None]]) -> None:
    """Who the line concerns, with the current name. 2020, 2500, 610."""
    kind, identifier = party.get("Type"), ref_value(party, "EntityRef")
    if kind is None or identifier is None:
        raise missing("Entity.Type" if kind is None else "Entity.EntityRef")
    record = company.require(kind, identifier)
    if record.get("Active") is False and (kind, identifier) not in old:
        raise inactive(kind, identifier)
    party["EntityRef"] = {"value": identifier, "name": reference_name(kind, record)}


def party_of(line: JsonObject) -> tuple[str | None, str | None]:
    """Type and id of the party of a line."""
    party = (line.get(DETAIL) or {}).get("Entity") or {}
    return party.get("Type"), ref_value(party, "EntityRef")


def check_balanced(lines: list[JsonObject]) -> None:
    """2300 unless debits equal credits; 6000 for fewer than two lines."""
    posting = [line for line in lines if DETAIL in line]
    debits, credited = (
        sum((decimal_of(line["Amount"]) for line in posting if line[DETAIL]["PostingType"] == side), Decimal(0))
        for side in ("Debit", "Credit")
    )
    if debits != credited:
        raise Fault(2300, f"Total debits {debits} and total credits {credited} must be equal.", element="Line")
    if len(posting) < 2:
        raise business("A journal entry needs at least two lines.", element="Line")


def check_control_lines(company: Company, lines: list[JsonObject]) -> None:
    """6000 where a line on receivables or payables names no customer or vendor, or stands there a second time."""
    control: list[str] = []
    for line in lines:
        kind = account_type(company, line)
        if kind not in PARTY_OF:
            continue
        control.append(kind)
        wanted = PARTY_OF[kind]
        if party_of(line)[0] != wanted:
            raise business(
                f"When you use {kind}, you must choose a {wanted.lower()} in the Name field (line {line.get('Id')}).",
                element="Entity",
            )
    if len(control) > 1:
        raise business("A transaction can have only one Accounts Receivable or Accounts Payable line.", element="Line")


def account_type(company: Company, line: JsonObject) -> str:
    """AccountType of the account a line posts to; empty for a line that posts nothing."""
    account = ref_value(line.get(DETAIL) or {}, "AccountRef")
    return "" if account is None else str(company.require("Account", account).get("AccountType"))


JOURNAL_ENTRY = Entity(
    name="JournalEntry",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef",),
    guard=refuse_frozen,
    void_is_ignored=True,
)
