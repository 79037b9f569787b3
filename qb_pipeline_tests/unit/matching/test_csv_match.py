"""Two CSV files in, links with their evidence out; what cannot be read is named with line and fix."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.matching.csv_match import match_csv

LEFT = "id,name,phone,postal_code\n1,Bob Hale,512 555 0142,78701\n2,Zoe Byrd,,\n"
RIGHT = 'phone,id,name,extra\n(512) 555-0142,A,"Hale, Robert",x\n'


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_links_are_written_with_class_score_and_evidence(tmp_path: Path) -> None:
    out = tmp_path / "links.csv"
    counts = match_csv(_write(tmp_path, "crm.csv", LEFT), _write(tmp_path, "books.csv", RIGHT), "customer", out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert counts == {"left": 2, "right": 1, "exact": 0, "strong": 1, "weak": 0, "out": str(out)}
    assert [(r["left_id"], r["right_id"], r["class"]) for r in rows] == [("1", "A", "strong")]
    assert 0.99 <= float(rows[0]["score"]) <= 1
    assert rows[0]["evidence"].split("; ")[:2] == ["name close: 'Bob Hale' / 'Hale, Robert'", "same phone"]


def test_a_byte_order_mark_and_an_empty_list_are_read(tmp_path: Path) -> None:
    left = _write(tmp_path, "l.csv", "\ufeff" + LEFT)
    counts = match_csv(left, _write(tmp_path, "r.csv", "id\n"), "customer", tmp_path / "out.csv")
    assert (counts["left"], counts["right"]) == (2, 0)
    assert (tmp_path / "out.csv").read_text().strip() == "left_id,right_id,class,score,evidence"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name\nAnn\n", ["l.csv, line 1,", "no column 'id'", "Name the columns"]),
        ("", ["l.csv, line 1,", "no column 'id'"]),
        ("id,name\n1,Ann\n,Bob\n", ["l.csv, line 3,", "has no id"]),
        ("id,name\n1,Ann\n2,Bob\n1,Cid\n", ["l.csv, line 4,", "repeats the id '1' of line 2"]),
        ("id,name\n1,Hale, Ann\n", ["l.csv, line 2,", "more cells than columns", "quotes"]),
        ('id,name\n1,"Hale"x\n', ["l.csv, line 2,", "not valid CSV"]),
    ],
)
def test_an_unusable_file_is_refused_with_line_and_fix(tmp_path: Path, text: str, says: list[str]) -> None:
    left, right = _write(tmp_path, "l.csv", text), _write(tmp_path, "r.csv", RIGHT)
    with pytest.raises(Misconfigured) as refused:
        match_csv(left, right, "customer", tmp_path / "out.csv")
    assert all(part in str(refused.value) for part in says)
    assert not (tmp_path / "out.csv").exists()


def test_missing_files_other_encodings_and_unwritable_targets_are_refused(tmp_path: Path) -> None:
    right = _write(tmp_path, "r.csv", RIGHT)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("id,name\n1,M\u00fcller\n".encode("latin-1"))
    for left, out, says in (
        (tmp_path / "none.csv", tmp_path / "out.csv", "none.csv cannot be read (No such file or directory)"),
        (latin, tmp_path / "out.csv", "not UTF-8"),
        (right, tmp_path / "no" / "out.csv", "cannot be written"),
    ):
        with pytest.raises(Misconfigured, match=says.replace("(", r"\(").replace(")", r"\)")):
            match_csv(left, right, "customer", out)


def test_an_unknown_entity_is_refused_with_the_usable_ones(tmp_path: Path) -> None:
    right = _write(tmp_path, "r.csv", RIGHT)
    with pytest.raises(Misconfigured, match=r"'unicorn' cannot be matched.*bill.*customer.*vendor"):
        match_csv(right, right, "unicorn", tmp_path / "out.csv")


def _links(tmp_path: Path, entity: str, left: str, right: str) -> list[tuple[str, ...]]:
    out = tmp_path / "links.csv"
    match_csv(_write(tmp_path, "crm.csv", left), _write(tmp_path, "books.csv", right), entity, out)
    with out.open(encoding="utf-8", newline="") as file:
        return [(r["left_id"], r["right_id"], r["class"], r["evidence"]) for r in csv.DictReader(file)]


def test_items_are_matched_by_sku_and_name_and_a_term_of_other_days_is_asked_about(tmp_path: Path) -> None:
    found = _links(tmp_path, "item", "id,name,sku\n1,Sink,S-7\n2,Tap,\n", "id,name,sku\nA,Steel sink,s7\nB,tap,\n")
    assert [f[:3] for f in found] == [("1", "A", "exact"), ("2", "B", "exact")]
    found = _links(tmp_path, "term", "id,name,due_days\n1,Standard,30\n", "id,name,due_days\nA,Standard,15\n")
    assert found == [("1", "A", "weak", "same name; due days differs: 30 / 15")]


def test_bills_are_matched_by_number_vendor_total_and_date_and_the_files_are_named(tmp_path: Path) -> None:
    left = 'id,number,vendor,total,date\n1,B-9,Acme Supply,"$1,250.00",3/5/2026\n2,,Byrd Tile,80.00,2026-03-07\n'
    right = "id,number,vendor,total,date\nA,b9,ACME SUPPLY,1250.00,2026-03-05\nB,77,byrd tile,80,2026-03-07\n"
    found = _links(tmp_path, "bill", left, right)
    assert [f[:3] for f in found] == [("1", "A", "exact"), ("2", "B", "strong")]
    assert found[1][3].split("; ")[0] == "number missing in crm"


def test_vendors_are_matched_by_name_and_the_last_four_of_the_tax_id(tmp_path: Path) -> None:
    left = "id,name,tax_id\n1,Acme Supply LLC,12-3456789\n2,Byrd Tile,11-1112222\n"
    right = "id,name,tax_id\nA,Acme Supply,XX-XXX6789\nB,Byrd Tile,XXX-XX-4444\n"
    found = _links(tmp_path, "vendor", left, right)
    assert [f[:3] for f in found if f[2] != "weak"] == [("1", "A", "strong")]
    assert "same tax id" in found[0][3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,total\n1,ten\n", ["line 2,", "'ten' as an amount", "1250.00"]),
        ("id,total\n1,NaN\n", ["line 2,", "'NaN' as an amount"]),
        ("id,date\n1,soon\n", ["line 2,", "'soon' as a date", "2026-03-31"]),
    ],
)
def test_an_amount_or_date_that_cannot_be_read_is_refused(tmp_path: Path, text: str, says: list[str]) -> None:
    left = _write(tmp_path, "l.csv", text)
    with pytest.raises(Misconfigured) as refused:
        match_csv(left, left, "invoice", tmp_path / "out.csv")
    assert all(part in str(refused.value) for part in says)
