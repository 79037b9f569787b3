"""What QuickBooks can't hold of a record, or we can't read of one of its own, in words; said before anything is sent.

Invariant: each names the record and what a person has to correct in it, under a code that does not change.
"""

from __future__ import annotations

from qb_pipeline.errors import Who
from qb_pipeline.situations import Situation

_AREA = "a record's content"


def _content(code: str, title: str, cause: str, fix: str, who: Who = "office") -> Situation:
    return Situation(code, title, cause, fix, who, area=_AREA)


# Of any record.
MISSING = _content(
    "missing", "A required field is empty", "{record} has no {label}, which QuickBooks requires.",
    "Fill in the {label}.",
)  # fmt: skip
TOO_LONG = _content(
    "too-long", "A text is too long",
    "{record} has {length} characters in {label}; QuickBooks holds at most {limit}.",
    "Shorten the {label} to {limit} characters.",
)  # fmt: skip
TOO_MANY_LINES = _content(
    "too-many-lines", "An address has too many lines",
    "{record} has {count} lines in {label}; QuickBooks holds at most {limit}.", "Join some of the address lines.",
)  # fmt: skip
BAD_NAME = _content(
    "bad-name", "A name holds a forbidden character",
    "{record} has {sign} in its {label}, which QuickBooks refuses in names.", "Remove {sign} from the {label}.",
)  # fmt: skip
KEPT_IN_QUICKBOOKS = _content(
    "kept-in-quickbooks", "The list is kept in QuickBooks",
    "{record} can't be {done} from here: {kind} are kept in QuickBooks.",
    "Make the change in QuickBooks; it is then copied.", "accountant",
)  # fmt: skip
UNREADABLE = _content(
    "unreadable", "QuickBooks holds a value that can't be read",
    "QuickBooks gives {value} as {part} of {record}.", "Correct {part} of {record} in QuickBooks.", "accountant",
)  # fmt: skip

# Of lists.
CLASS_MOVED = _content(
    "class-moved", "A class would get another parent",
    "{record} is a class {place} in QuickBooks and can't be moved to another parent from here.",
    "Move the class in QuickBooks, or keep the part of the name before the last colon.",
)  # fmt: skip
NESTED_JOB = _content(
    "nested-job", "The job lies below another job",
    "{record} lies below another job in QuickBooks, so its customer can't be changed from here.",
    "Move the job in QuickBooks.",
)  # fmt: skip
AMBIGUOUS_NAME = _content(
    "ambiguous-name", "The name would be read as a name and a number",
    "{record} has no number, but its name ends like one in parentheses, and would come back as a name and a number.",
    "Give the job its number, or drop the parentheses at the end of its name.",
)  # fmt: skip
AMBIGUOUS_NUMBER = _content(
    "ambiguous-number", "The number can't be told from the name",
    "{record} has the number '{number}', which could not be told from its name in QuickBooks.",
    "Use a number with a digit in it and without parentheses.",
)  # fmt: skip
TYPE_IS_FIXED = _content(
    "type-is-fixed", "The type of an item is fixed",
    "{record} changed between service and goods, but QuickBooks fixes the type of an item when it is created.",
    "Change it back, or make a new item and inactivate this one.",
)  # fmt: skip
UNKNOWN_KIND = _content(
    "unknown-kind", "QuickBooks has no such kind of item",
    "{record} is of the kind '{kind}'; QuickBooks can be given service or goods.",
    "Set the kind of the item to service or goods.",
)  # fmt: skip
NO_ACCOUNT = _content(
    "no-account", "An item has no account", "{record} has no {label}, which QuickBooks needs for {purpose}.",
    "Set the {label} on the item, or a default one under defaults in the company file.",
)  # fmt: skip

# Of documents.
NO_LINES = _content(
    "no-lines", "A document has no lines", "{record} has no lines; a QuickBooks {kind} has at least one.",
    "Add a line, or void the {kind}.",
)  # fmt: skip
NO_PRICED_LINE = _content(
    "no-priced-line", "A document has no priced line",
    "{record} has no priced line, only text or a discount; a QuickBooks {kind} needs at least one.",
    "Add a line with an item and an amount (0.00 will do), or void the {kind}.",
)  # fmt: skip
NO_TAX_CODE = _content(
    "no-tax-code", "Sales tax without a tax code",
    "{record} carries {tax} of sales tax but no tax code, so QuickBooks can't tell whose tax it is.",
    "Choose the tax rate on the {kind}.",
)  # fmt: skip
OVER_ALLOCATED = _content(
    "over-allocated", "A payment is allocated beyond its amount",
    "{record} allocates {total} to invoices but is only {amount}.",
    "Lower the allocations or correct the amount of the payment.",
)  # fmt: skip
CREDIT_APPLICATION = _content(
    "credit_application", "Credit is applied otherwise on the two sides",
    "{record} is applied otherwise in the contractor's system than in QuickBooks, which lets only a person apply "
    "credit.",
    "{steps} in QuickBooks; it is linked by itself after the next sync.", "accountant",
)  # fmt: skip

# Of lines.
SECOND_DISCOUNT = _content(
    "second-discount", "More than one discount", "{record} has more than one discount line; QuickBooks holds one.",
    "Join the discounts into one line.",
)  # fmt: skip
BUNDLE_CHANGED = _content(
    "bundle-changed", "A part of a bundle was changed",
    "{record} changes a part of the bundle in line {line}, which QuickBooks' API can't do.",
    "Change the bundle in QuickBooks.",
)  # fmt: skip
NO_ITEM = _content(
    "no-item", "A line has no item",
    "{record} line {line} has no price-book item, and QuickBooks sells only items.",
    "Choose an item of the price book for the line.",
)  # fmt: skip
NO_AMOUNT = _content(
    "no-amount", "A line has no amount", "{record} line {line} has no amount.",
    "Give the line an amount, or a quantity and a unit price.",
)  # fmt: skip
UNKNOWN_LINE = _content(
    "unknown-line", "QuickBooks has no such kind of line",
    "{record} line {line} is of the kind '{kind}', which QuickBooks does not know.",
    "Use item, text or discount lines.",
)  # fmt: skip
UNREAD_LINE = _content(
    "unread-line", "QuickBooks holds a line of an unknown type",
    "Line {line} is of the type {type}, which is not known here.",
    "Replace the line in QuickBooks by one that sells an item, gives a discount or only describes.", "accountant",
)  # fmt: skip
SEVERAL_DIVISIONS = _content(
    "several-divisions", "Lines of several divisions",
    "{record} has lines of different divisions, but this company keeps one class per transaction.",
    "Give all lines the same division, or turn on classes for each row in QuickBooks.",
)  # fmt: skip

SITUATIONS = (
    MISSING, TOO_LONG, TOO_MANY_LINES, BAD_NAME, KEPT_IN_QUICKBOOKS, UNREADABLE, CLASS_MOVED, NESTED_JOB,
    AMBIGUOUS_NAME, AMBIGUOUS_NUMBER, TYPE_IS_FIXED, UNKNOWN_KIND, NO_ACCOUNT, NO_LINES, NO_PRICED_LINE, NO_TAX_CODE,
    OVER_ALLOCATED, CREDIT_APPLICATION, SECOND_DISCOUNT, BUNDLE_CHANGED, NO_ITEM, NO_AMOUNT, UNKNOWN_LINE, UNREAD_LINE,
    SEVERAL_DIVISIONS,
)  # fmt: skip
