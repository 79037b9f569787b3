"""Comparing names: persons by given and family name, companies by the words of their core.

Invariant: what names two different beings (another given name, core word, branch number or legal form) is never
outweighed by a likeness elsewhere in the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz.fuzz import ratio

from qb_pipeline.sync.matching.company_names import compare_companies
from qb_pipeline.sync.matching.evidence import MISSING, Frequencies, Grade, Level
from qb_pipeline.sync.matching.naming import Kind, Name
from qb_pipeline.sync.matching.person_names import compare_part, compare_persons, rank

MOST_BITS, MOST_PERSON_BITS = 16.0, 14.0  # what a name, a person's name can be worth at most


def compare_names(left: Sequence[Name], right: Sequence[Name], seen: Frequencies) -> Grade:
    """The best agreement among all names of both sides, with what forbids a link in `veto`."""
    if not left or not right:
        return MISSING
    one_sided = _business_of_one_side(left, right)
    grade = _as_contact if one_sided else _grade
    grades = [(grade(a, b, seen), a, b) for a in left for b in right]
    best, a, b = max(grades, key=lambda g: (g[0].level, g[0].bits, not g[0].veto, g[0].part))
    veto = best.veto if best.level < Level.CLOSE else ""
    if _companies_apart(grades):
        veto = "different companies"
    return Grade(best.level, best.bits, veto, a.raw, b.raw, best.part)


def _as_contact(a: Name, b: Name, seen: Frequencies) -> Grade:
    """A person who is a company's contact on one side only is close at most to the person alone."""
    grade = _grade(a, b, seen)
    if grade.level is Level.EXACT and Kind.COMPANY not in (a.kind, b.kind):
        return Grade(Level.CLOSE, grade.bits, grade.veto)
    return grade


def _companies_apart(grades: Sequence[tuple[Grade, Name, Name]]) -> bool:
    """Both sides name a company for certain, and no two of them agree."""
    firms = [grade for grade, a, b in grades if a.kind is b.kind is Kind.COMPANY]
    return bool(firms) and all(g.level is Level.DIFFERS for g in firms)


def _business_of_one_side(left: Sequence[Name], right: Sequence[Name]) -> bool:
    return any(n.kind is Kind.COMPANY for n in left) != any(n.kind is Kind.COMPANY for n in right)


def _grade(a: Name, b: Name, seen: Frequencies) -> Grade:
    if (a.partial or b.partial) and Kind.COMPANY not in (a.kind, b.kind):
        by_part = compare_part(a, b, seen)
        if Kind.PERSON not in (a.kind, b.kind):
            by_word = compare_companies(a, b, seen)
            if by_word.part and by_word.level is by_part.level:
                by_word = replace(by_word, bits=min(by_word.bits, by_part.bits))
            by_part = max(by_part, by_word, key=lambda g: (g.level, g.part, *rank(g)))
        return _limited(by_part, a, b)
    by_words = _limited(compare_companies(a, b, seen), a, b)
    if not (a.family and b.family):
        return by_words
    by_person = _limited(compare_persons(a, b, seen), a, b)
    if Kind.PERSON in (a.kind, b.kind):
        return by_person
    return max(by_words, by_person, key=rank)


def _limited(grade: Grade, a: Name, b: Name) -> Grade:
    """What the decoration of the names allows at most."""
    contradiction = _contradiction(a, b)
    if contradiction and grade.level > Level.DIFFERS:
        return Grade(Level.WEAK, grade.bits - 6.0, contradiction)
    if grade.level is Level.EXACT and not _same_decoration(a, b):
        return replace(grade, level=Level.CLOSE, bits=grade.bits - 1.0)
    return grade


def _contradiction(a: Name, b: Name) -> str:
    if a.generation and b.generation and a.generation != b.generation:
        return "different generations"
    if a.numbers and b.numbers and a.numbers != b.numbers:
        return "different numbers in the name"
    if a.qualifier and b.qualifier and ratio(a.qualifier, b.qualifier) < 90:
        return "different branches or jobs"
    if a.legal and b.legal and a.legal != b.legal:
        return "different legal forms"
    if {a.kind, b.kind} == {Kind.PERSON, Kind.COMPANY}:
        return "a person and a company"
    return ""


def _same_decoration(a: Name, b: Name) -> bool:
    if a.generation != b.generation or (a.qualifier != b.qualifier and a.core == b.core):
        return False
    return a.numbers == b.numbers or not (a.numbers ^ b.numbers) - {"1"}
