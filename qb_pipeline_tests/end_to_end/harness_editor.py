"""People who work in both systems at once and tell the pipeline nothing; the same seed does the same work.

Invariant: what a system refuses is not work done; everything else was entered over HTTP by a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from qb_pipeline_tests.end_to_end.harness import Instance, Refused
from qb_pipeline_tests.end_to_end.harness_documents import DocumentKeepers
from qb_pipeline_tests.end_to_end.harness_names import NameKeepers

Acts = tuple[Callable[["Editor"], None], ...]


class Editor(NameKeepers, DocumentKeepers):
    """Everybody of both offices; `done` and `refused` count what they tried."""

    def __init__(self, instance: Instance, seed: int) -> None:
        super().__init__(instance, seed)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def settle_in(self) -> None:
        """Enough names on both sides for documents to be about something."""
        parties: Acts = (Editor.c_customer, Editor.q_customer, Editor.c_item, Editor.q_item, Editor.c_job, Editor.q_job)
        others: Acts = (Editor.c_division, Editor.q_division, Editor.c_invoice, Editor.q_invoice)
        for act in (*parties * 4, *others * 2):
            self._try(act)

    def work(self, acts: int) -> None:
        """So many acts, anywhere."""
        for act in self.random.choices([a for a, _ in ACTS], [w for _, w in ACTS], k=acts):
            self._try(act)

    def _try(self, act: Callable[[Editor], None]) -> None:
        name = act.__name__
        try:
            act(self)
        except (Refused, IndexError) as refused:
            self.refused[name] += 1
            self.journal.append(f"refused {name}: {refused}")
        else:
            self.done[name] += 1

    def both_sides(self) -> None:
        """The same or different fields of probably the same record, on both sides before anybody compares."""
        here, there = self.random.choice(
            (
                (Editor.edit_customer_here, Editor.edit_customer_there),
                (Editor.edit_invoice_here, Editor.edit_invoice_there),
                (Editor.edit_item_here, Editor.edit_item_there),
            )
        )
        here(self)
        there(self)


ACTS: list[tuple[Callable[[Editor], None], float]] = [
    (Editor.c_customer, 6), (Editor.q_customer, 5), (Editor.q_vendor, 0.5), (Editor.edit_customer_here, 5),
    (Editor.edit_customer_there, 5), (Editor.delete_name_here, 2), (Editor.c_job, 4), (Editor.q_job, 3),
    (Editor.edit_job_here, 3), (Editor.edit_job_there, 3), (Editor.c_item, 4), (Editor.q_item, 3),
    (Editor.edit_item_here, 4), (Editor.edit_item_there, 4), (Editor.c_division, 2), (Editor.q_division, 2),
    (Editor.edit_division, 2), (Editor.c_invoice, 9), (Editor.q_invoice, 7), (Editor.edit_invoice_here, 9),
    (Editor.edit_invoice_there, 9), (Editor.end_document, 3), (Editor.c_payment, 6), (Editor.q_payment, 5),
    (Editor.edit_payment_here, 4), (Editor.edit_payment_there, 4), (Editor.both_sides, 4),
]  # fmt: skip
