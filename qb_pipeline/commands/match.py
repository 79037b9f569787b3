"""`match`: the engine's matcher on two CSV files.

Invariant: nothing is read or written but the three files named.
"""

from __future__ import annotations

from pathlib import Path

import click

from qb_pipeline.commands.output import Output, json_option
from qb_pipeline.sync.matching.csv_match import match_csv

_File = click.Path(path_type=Path)


@click.command()
@click.argument("left", type=_File)
@click.argument("right", type=_File)
@click.option("--entity", default="customer", show_default=True)
@click.option("--out", type=_File, required=True, help="CSV of left_id, right_id, class, score, evidence.")
@json_option
@click.pass_obj
def match(output: Output, left: Path, right: Path, entity: str, out: Path) -> None:
    """Match two CSV files with the engine's own matcher."""
    with output.progress("matching"):
        found = match_csv(left, right, entity, out)
    text = (
        f"{found['left']:,} and {found['right']:,} rows: {found['exact']:,} exact, {found['strong']:,} strong, "
        f"{found['weak']:,} weak; written to {out}"
    )
    output.result(found, lambda console: console.print(text, markup=False))
