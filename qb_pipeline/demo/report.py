"""The page: one HTML file with everything in it, to be opened, sent or kept.

Invariant: it loads nothing from anywhere, and every text from a record is escaped.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from qb_pipeline.demo.telling import Told, amount

_CONTRACTOR, _QUICKBOOKS, _OURS = ("#fdf1e8", "#b4581a"), ("#e8f3f7", "#1f6f8b"), ("#ffffff", "#c4ced7")


def write(told: Told, path: Path) -> Path:
    """Render to `path`; returns it."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["money"] = amount
    template = environment.from_string((files("qb_pipeline.demo") / "report.html").read_text(encoding="utf-8"))
    most = max(calls for s in told.syncs for calls in (s.contractor.used, s.quickbooks.used, s.contractor.least, 1))
    left_out = [f for f in told.documents if f.reason is not None and f.reason.kind == "skipped"]
    page = template.render(
        told=told, money=told.comparison.receivables, boxes=_boxes(told.path), most=most, left_out=left_out
    )
    path.write_text(page, encoding="utf-8")
    return path


def _boxes(path: dict[str, int]) -> list[dict[str, Any]]:
    """The stations of the picture."""
    return [
        _box(20, 21, 150, _CONTRACTOR, path["read_contractor"], "read at the contractor"),
        _box(20, 111, 150, _QUICKBOOKS, path["read_quickbooks"], "read in QuickBooks"),
        _box(234, 66, 138, _OURS, path["read_contractor"] + path["read_quickbooks"], "observations staged"),
        _box(426, 66, 138, _OURS, path["linked"], "linked by matching"),
        _box(618, 66, 138, _OURS, path["to_contractor"] + path["to_quickbooks"], "writes, read back"),
        _box(810, 21, 150, _CONTRACTOR, path["to_contractor"], "written to contractor"),
        _box(810, 111, 150, _QUICKBOOKS, path["to_quickbooks"], "written to QuickBooks"),
    ]


def _box(x: int, y: int, width: int, colours: tuple[str, str], count: int, text: str) -> dict[str, Any]:
    return {"x": x, "y": y, "w": width, "fill": colours[0], "stroke": colours[1], "count": f"{count:,}", "text": text}
