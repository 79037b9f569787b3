"""The chart of accounts and the trees reports show it as.

Invariant: an account that has figures is shown below all its parents, and a parent's sum is its own figure plus theirs.

    accounts = chart(company)           tree_rows(accounts, figures_by_id, width) -> (rows, their sum)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.shape import Row, Values, added, cell, data, figures, plus, section

# In the order of the reports; debits count as positive in DEBIT, credits in the others.
ASSETS = ("Bank", "Accounts Receivable", "Other Current Asset", "Fixed Asset", "Other Asset")
LIABILITIES = ("Accounts Payable", "Credit Card", "Other Current Liability", "Long Term Liability")
PROFIT = ("Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense")
ORDER = (*ASSETS, *LIABILITIES, "Equity", *PROFIT)
DEBIT = (*ASSETS, "Cost of Goods Sold", "Expense", "Other Expense")


@dataclass(frozen=True)
class Named:
    """Something with a name and a parent of its own kind."""

    id: str
    name: str
    full_name: str
    parent: str | None


# For what names nobody, in reports with a row for each record.
NOBODY = Named("", "Not Specified", "Not Specified", None)


@dataclass(frozen=True)
class Account(Named):
    """`kind` is the AccountType."""

    kind: str
    subtype: str

    @property
    def sign(self) -> int:
        """1 where debits increase what the reports show, -1 where credits do."""
        return 1 if self.kind in DEBIT else -1

    @property
    def profit(self) -> bool:
        """Whether it belongs to profit and loss."""
        return self.kind in PROFIT


def chart(company: Company) -> dict[str, Account]:
    """Every account by id, inactive ones too, in the order of reports."""
    found = company.store.conn.execute(
        "SELECT id, name, coalesce(json_extract(body, '$.FullyQualifiedName'), name),"
        " json_extract(body, '$.ParentRef.value'), json_extract(body, '$.AccountType'),"
        " coalesce(json_extract(body, '$.AccountSubType'), '') FROM objects WHERE c = ? AND entity = 'Account'",
        (company.store.company,),
    )
    accounts = [Account(*row) for row in found]
    return {one.id: one for one in sorted(accounts, key=rank)}


def rank(account: Account) -> tuple[int, str]:
    """By type, then by name."""
    return ORDER.index(account.kind) if account.kind in ORDER else len(ORDER), account.full_name.casefold()


def names(company: Company, entity: str) -> dict[str, Named]:
    """Customers, vendors, items… by id."""
    found = company.store.conn.execute(
        "SELECT id, name, coalesce(json_extract(body, '$.FullyQualifiedName'), name),"
        " json_extract(body, '$.ParentRef.value') FROM objects WHERE c = ? AND entity = ?",
        (company.store.company, entity),
    )
    return {row[0]: Named(*row) for row in found}


def with_parents(tree: Mapping[str, Named], shown: Iterable[str]) -> dict[str | None, list[Named]]:
    """What is shown and every parent above it, by parent; roots under None. Sorted by name."""
    result: defaultdict[str | None, list[Named]] = defaultdict(list)
    seen: set[str] = set()
    for identifier in shown:
        current: str | None = identifier
        while current is not None and current not in seen and current in tree:
            seen.add(current)
            node = tree[current]
            parent = node.parent if node.parent in tree else None
            result[parent].append(node)
            current = parent
    return {key: sorted(nodes, key=lambda node: node.name.casefold()) for key, nodes in result.items()}


def tree_rows(
    tree: Mapping[str, Named], values: Mapping[str, Values], width: int, *, typed: bool = True, reverse: bool = False
) -> tuple[list[Row], Values]:
    """Rows for what has values, nested under its parents, and the sum of all. `typed` as in `data`.

    What has values and no name (its record was never loaded) is shown by its id: figures must not vanish.
    """
    nameless = {one: Named(one, one, one, None) for one in values if one not in tree}
    children = with_parents({**tree, **nameless}, values)
    pairs = [branch(node, children, values, width, typed=typed) for node in children.get(None, [])]
    rows = [row for row, _ in pairs]
    return (rows[::-1] if reverse else rows), added((total for _, total in pairs), width)


def branch(
    node: Named, children: Mapping[str | None, list[Named]], values: Mapping[str, Values], width: int, *, typed: bool
) -> tuple[Row, Values]:
    """One record with what is below it."""
    own = values.get(node.id, [None] * width)
    head = [cell(node.name, node.id or None), *figures(own)]
    if node.id not in children:
        return data(head, typed=typed), own
    below = [branch(child, children, values, width, typed=True) for child in children[node.id]]
    total = plus(own, added((part for _, part in below), width))
    return section(head, [row for row, _ in below], [cell(f"Total {node.name}"), *figures(total)]), total
