"""The open match candidates as a workbook with one column to fill in, and back.

Invariant: an import applies every decision of the workbook or none; a row that cannot be understood, or that disagrees
with what was decided meanwhile, is named by its row number.

    write(path, questions)            one row a pair, the likeliest first
    read(path) -> [Answer, ...]       `BadData` lists every row that cannot be read

Words of the decision column: same, different, or nothing (ask again later).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.reviewing import Pair

SHEET = "Review"
# Heading -> width in characters.
COLUMNS = {
    "Decision": 12, "Kind": 14, "Contractor": 34, "QuickBooks": 34, "Likelihood": 11, "Why": 60,
    "Contractor details": 40, "QuickBooks details": 40, "Contractor id": 16, "QuickBooks id": 16, "Company": 16,
    "Entity": 14,
}  # fmt: skip
NEEDED = ("Decision", "Contractor id", "QuickBooks id", "Company", "Entity")
HOW_TO = (
    "Each row asks whether two records are the same.",
    "In the column Decision choose: same (link them), different (keep them apart), or leave it empty to decide later.",
    "Change nothing else; rows may be sorted, filtered and deleted.",
    "Then: qb-pipeline review import THIS-FILE. Either every decision is taken over or none.",
)


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Question:
    """A pair as a person sees it; the details are lines of text."""

    company: str
    pair: Pair
    kind: str
    contractor: str
    quickbooks: str
    likelihood: str
    why: str
    contractor_details: str
    quickbooks_details: str


@dataclass(frozen=True)
class Answer:
    """A filled-in row."""

    row: int
    company: str
    pair: Pair
    verdict: Verdict


def write(path: Path, questions: Sequence[Question]) -> None:
    """The workbook, one row a question. `Misconfigured` where the file cannot be written."""
    book = Workbook()
    sheet = book.active or book.create_sheet()
    sheet.title = SHEET
    sheet.freeze_panes = "B2"
    for number, (text, width) in enumerate(COLUMNS.items(), 1):
        cell = sheet.cell(1, number, text)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDE7F0")
        sheet.column_dimensions[cell.column_letter].width = width
    for row, question in enumerate(questions, 2):
        for number, text in enumerate(_row(question), 1):
            _as_text(sheet.cell(row, number), text)
    choice = DataValidation("list", formula1=f'"{",".join(Verdict)}"', allow_blank=True)
    choice.add(f"A2:A{max(2, len(questions) + 1)}")
    sheet.add_data_validation(choice)
    guide = book.create_sheet("How to")
    guide.column_dimensions["A"].width = 110
    for line in HOW_TO:
        guide.append([line])
    try:
        book.save(path)
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written: {error.strerror}.", code="file_unwritable", fix="Name another file."
        ) from error


def _row(q: Question) -> tuple[str, ...]:
    return (
        "", q.kind, q.contractor, q.quickbooks, q.likelihood, q.why, q.contractor_details, q.quickbooks_details,
        q.pair.contractor_id, q.pair.quickbooks_id, q.company, q.pair.entity,
    )  # fmt: skip


def _as_text(cell: Cell | MergedCell, text: str) -> None:
    """An id of digits stays what it is, a name beginning with = is no formula, and what Excel forbids is left out."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub(" ", text)
    cell.data_type, cell.number_format = "s", "@"
    cell.alignment = Alignment(vertical="top", wrap_text=True)


def read(path: Path) -> list[Answer]:
    """The rows somebody decided. `Misconfigured` names every row that cannot be read."""
    answers: list[Answer] = []
    wrong: list[str] = []
    for number, row in _rows(path):
        word = _text(row["Decision"]).casefold()
        if not word:
            continue
        missing = [name for name in NEEDED if not _text(row[name])]
        if missing:
            wrong.append(f"row {number} has no {', '.join(missing)}")
        elif word not in set(Verdict):
            wrong.append(f"row {number}: {word!r} is no decision; write same, different or nothing")
        else:
            pair = Pair(*(_text(row[name]) for name in ("Entity", "Contractor id", "QuickBooks id")))
            answers.append(Answer(number, _text(row["Company"]), pair, Verdict(word)))
    wrong += _contradictions(answers)
    if wrong:
        raise unusable(path, wrong)
    return answers


def unusable(path: Path, wrong: Sequence[str]) -> Misconfigured:
    """Nothing of the workbook is taken over, for these reasons."""
    return Misconfigured(
        f"{path.name} was not taken over: {'; '.join(wrong)}.",
        code="review_workbook",
        fix="Correct these rows (or empty their decision) and import the file again; nothing has been changed.",
    )


def _rows(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """(row number, heading -> value) of every row below the headings."""
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError) as error:
        raise Misconfigured(
            f"{path} is no workbook that can be read: {error}.",
            code="file_unreadable",
            fix="Give the .xlsx file that qb-pipeline review export wrote.",
        ) from error
    sheet = book[SHEET] if SHEET in book.sheetnames else book.worksheets[0]
    rows = sheet.iter_rows(values_only=True)
    headings = [_text(value) for value in next(rows, ())]
    missing = [name for name in NEEDED if name not in headings]
    if missing:
        raise unusable(path, [f"the column {name} is missing" for name in missing])
    found: list[tuple[int, Mapping[str, Any]]] = [
        (number, dict(zip(headings, row, strict=False))) for number, row in enumerate(rows, 2)
    ]
    book.close()
    return found


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _contradictions(answers: Sequence[Answer]) -> list[str]:
    """One record said to be the same as two others, or one pair answered in two ways."""
    seen: dict[tuple[str, ...], Answer] = {}
    wrong: list[str] = []
    for answer in answers:
        pair = answer.pair
        keys: list[tuple[str, ...]] = [(answer.company, pair.entity, "pair", pair.contractor_id, pair.quickbooks_id)]
        if answer.verdict is Verdict.SAME:
            keys += [(answer.company, pair.entity, "contractor", pair.contractor_id)]
            keys += [(answer.company, pair.entity, "quickbooks", pair.quickbooks_id)]
        for key in keys:
            earlier = seen.setdefault(key, answer)
            if earlier.row != answer.row and (key[2] != "pair" or earlier.verdict is not answer.verdict):
                wrong.append(f"rows {earlier.row} and {answer.row} contradict each other about {key[3]}")
    return wrong
