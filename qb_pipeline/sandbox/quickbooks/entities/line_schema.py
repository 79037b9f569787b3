"""What a line of a sales form may hold.

Invariant: a line inside a bundle may hold what any other item line may, and no bundle of its own.
"""

from qb_pipeline.sandbox.quickbooks.entities.common import CUSTOM_FIELDS, LINKED, RO
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Anything, Day, Flag, Group, Many, Number, Property, Ref, Text

DETAIL, BUNDLE, DISCOUNT = "SalesItemLineDetail", "GroupLineDetail", "DiscountLineDetail"
TEXT_ONLY, SUBTOTAL = "DescriptionOnly", "SubTotalLineDetail"
ITEM_DETAIL = Group(
    {
        "ItemRef": Ref(""),
        "ClassRef": Ref("Class"),
        "UnitPrice": Number(),
        "Qty": Number(),
        "ItemAccountRef": RO,
        "TaxCodeRef": Ref("", named=False),
        "ServiceDate": Day(),
        "TaxInclusiveAmt": MONEY,
        "TaxClassificationRef": RO,
        "MarkupInfo": Anything(),
        "DiscountAmt": RO,
        "DiscountRate": RO,
    }
)
ORDINARY: dict[str, Property] = {
    "Id": Text(20),
    "LineNum": Number(),
    "Description": Text(4000),
    "Amount": MONEY,
    "DetailType": Text(50),
    "LinkedTxn": LINKED,
    "CustomField": CUSTOM_FIELDS,
    "CustomExtensions": RO,
    "LineEx": RO,
    "ProjectRef": RO,
    DETAIL: ITEM_DETAIL,
    "DescriptionLineDetail": Anything(),
}
LINE = Many(
    Group(
        {
            **ORDINARY,
            DISCOUNT: Group(
                {
                    "PercentBased": Flag(),
                    "DiscountPercent": Number(),
                    "DiscountAccountRef": Ref("Account"),
                    "ClassRef": Ref("Class"),
                    "TaxCodeRef": Ref("", named=False),
                }
            ),
            SUBTOTAL: Anything(),
            BUNDLE: Group({"GroupItemRef": Ref("Item"), "Quantity": Number(), "Line": Many(Group(ORDINARY))}),
            "TaxLineDetail": Anything(),
            "TDSLineDetail": Anything(),
        }
    )
)
LINE_LAYOUT = (
    "Id", "LineNum", "Description", "Amount", "LinkedTxn", "DetailType", DETAIL, BUNDLE, "DescriptionLineDetail",
)  # fmt: skip
DETAIL_LAYOUT = (
    "ServiceDate", "ItemRef", "ClassRef", "UnitPrice", "Qty", "MarkupInfo", "ItemAccountRef", "TaxCodeRef",
    "TaxInclusiveAmt",
)  # fmt: skip
