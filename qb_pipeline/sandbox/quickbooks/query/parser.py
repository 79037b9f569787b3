"""A query's text to a Statement.

Invariant: everything outside the grammar is refused with 4000 or 4001, never read in some other way.

    parse("select * from Customer where Active = true orderby Id startposition 1 maxresults 10") -> Statement

Keywords are case-insensitive; `ORDER BY` and `ORDERBY` are the same; strings are in single quotes with backslash
escapes.
"""

import re
from dataclasses import dataclass, field

from qb_pipeline.sandbox.quickbooks.faults import Fault

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<mark><=|>=|!=|=|<|>|\(|\)|,|\*)
    )""",
    re.VERBOSE | re.DOTALL,
)
OPERATORS = ("=", "!=", "<", ">", "<=", ">=")
KEYWORDS = frozenset(
    {"select", "from", "where", "and", "or", "order", "orderby", "by", "startposition", "maxresults", "null"}
)
HARDEST_LIMIT = 1000
DEFAULT_LIMIT = 100


@dataclass(frozen=True)
class Value:
    """A literal: its text, and whether it stood in quotes."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Predicate:
    """`field operator values`; only IN has more than one value."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass
class Statement:
    """A parsed query."""

    entity: str
    count: bool = False
    predicates: list[Predicate] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True)
class Token:
    """One piece of the text with its place (column from 1)."""

    kind: str
    text: str
    column: int

    def is_word(self, word: str) -> bool:
        """Whether this is the keyword, in any case."""
        return self.kind == "word" and self.text.lower() == word


END = "end"


def tokens_of(text: str) -> list[Token]:
    """Split the text; 4000 at the first character that belongs to nothing."""
    result, at, last = [], 0, len(text.rstrip())
    while at < last:
        found = TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            stray = text[at:].lstrip()
            raise unexpected(stray[0], len(text) - len(stray) + 1)
        result.append(Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1))
        at = found.end()
    return [*result, Token(END, "<EOF>", last + 1)]


def unexpected(text: str, column: int) -> Fault:
    """4000 naming what was met and where."""
    kind = text.lower() if text.lower() in KEYWORDS else text
    return Fault(4000, f'QueryParserError: Encountered " "{kind}" "{text} "" at line 1, column {column}.', element=None)


def invalid(text: str) -> Fault:
    """4001 with the reason."""
    return Fault(4001, f"QueryValidationError: {text}", element=None)


def parse(text: str) -> Statement:
    """Parse one statement."""
    return Parser(tokens_of(text)).statement()


class Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at = tokens, 0

    def statement(self) -> Statement:
        """The whole text."""
        self._keyword("select")
        count = self._columns()
        self._keyword("from")
        statement = Statement(self._name().text, count)
        if self._accept("where"):
            statement.predicates.append(self._predicate())
            while self._accept("and"):
                statement.predicates.append(self._predicate())
        if self._order_keyword():
            statement.order.append(self._key())
            while self._accept_mark(","):
                statement.order.append(self._key())
        self._paging(statement)
        if self._peek.kind != END:
            raise self._unexpected()
        return statement

    @property
    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek
        self._at += 1
        return token

    def _unexpected(self) -> Fault:
        return unexpected(self._peek.text, self._peek.column)

    def _accept(self, word: str) -> bool:
        if self._peek.is_word(word):
            self._at += 1
            return True
        return False

    def _accept_mark(self, mark: str) -> bool:
        if self._peek.kind == "mark" and self._peek.text == mark:
            self._at += 1
            return True
        return False

    def _keyword(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _mark(self, mark: str) -> None:
        if not self._accept_mark(mark):
            raise self._unexpected()

    def _name(self) -> Token:
        if self._peek.kind != "word" or self._peek.text.lower() in KEYWORDS:
            raise self._unexpected()
        return self._next()

    def _columns(self) -> bool:
        """Whether COUNT(*) is asked; column lists are accepted and every property is returned."""
        if self._peek.is_word("count"):
            self._at += 1
            for mark in ("(", "*", ")"):
                self._mark(mark)
            return True
        self._column()
        while self._accept_mark(","):
            self._column()
        return False

    def _column(self) -> None:
        if not self._accept_mark("*"):
            self._name()
            if self._accept_mark("."):
                self._mark("*")

    def _order_keyword(self) -> bool:
        if self._accept("orderby"):
            return True
        if self._accept("order"):
            self._keyword("by")
            return True
        return False

    def _key(self) -> tuple[str, bool]:
        """A sort key: the field and whether it descends."""
        name = self._name().text
        if self._accept("desc"):
            return name, True
        self._accept("asc")
        return name, False

    def _predicate(self) -> Predicate:
        name = self._name().text
        if self._accept("in"):
            return Predicate(name, "in", self._list())
        if self._accept("like"):
            return Predicate(name, "like", (self._value(),))
        if self._peek.kind != "mark" or self._peek.text not in OPERATORS:
            raise self._unexpected()
        return Predicate(name, self._next().text, (self._value(),))

    def _list(self) -> tuple[Value, ...]:
        self._mark("(")
        values = [self._value()]
        while self._accept_mark(","):
            values.append(self._value())
        self._mark(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek
        if token.kind == "string":
            self._at += 1
            return Value(re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL), quoted=True)
        known = token.kind == "word" and token.text.lower() in ("true", "false", "current_date")
        if token.kind != "number" and not known:
            raise self._unexpected()
        self._at += 1
        return Value(token.text, quoted=False)

    def _paging(self, statement: Statement) -> None:
        """STARTPOSITION and MAXRESULTS, in this order or the other; a larger page is cut to 1000."""
        for _ in range(2):
            if self._accept("startposition"):
                statement.start = self._position()
            elif self._accept("maxresults"):
                statement.limit = min(self._position(), HARDEST_LIMIT)

    def _position(self) -> int:
        token = self._peek
        if token.kind != "number" or "." in token.text:
            raise self._unexpected()
        self._at += 1
        number = int(token.text)
        if number < 1:
            raise invalid(f"value {number} is too small. Min allowed value is 1")
        return number
