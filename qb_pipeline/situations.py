"""A situation in which something can't be done: its code, its words, how to recover and in whose hands that lies.

Invariant: the words of a situation stand in one place; whoever raises, lists or documents it takes them from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from qb_pipeline import typed
from qb_pipeline.errors import FixTheData, PipelineError, PlanAgain, PossibleDuplicate, RetryLater, Who


@dataclass(frozen=True)
class Situation:
    """`cause` and `fix` are templates: a name in braces is filled in for the record at hand.

    Where a `company` is, a fix may have it as `company_quoted`, as it is typed in a command.
    """

    code: str
    title: str
    cause: str
    fix: str
    who: Who = "accountant"
    recovery: type[PipelineError] = FixTheData
    area: str = "writing"

    @property
    def retry_safe(self) -> bool:
        return self.recovery.retry_safe

    @property
    def then(self) -> str:
        """What becomes of it, in words."""
        if issubclass(self.recovery, PlanAgain):
            return "planned again, then left to a person"
        return "retried by itself" if self.retry_safe else self.recovery.recovery

    def cause_of(self, **names: object) -> str:
        return self.cause.format(**names).strip()

    def fix_of(self, **names: object) -> str:
        if "company" in names:
            names["company_quoted"] = typed.quoted(str(names["company"]))
        return self.fix.format(**names).strip()

    def error(
        self, *, field: str | None = None, reference: str | None = None, code: str | None = None, **names: object
    ) -> PipelineError:
        """The error of the situation's recovery; `code` takes the place of the situation's where a system has its own.

        Passing faults and possible duplicates know more than this and have functions of their own.
        """
        return self.recovery(
            self.cause_of(**names), code=code or self.code, fix=self.fix_of(**names), who=self.who,
            field=field, reference=reference,
        )  # fmt: skip

    def passing(
        self, *, after: float | None = None, maybe_written: bool = False, code: str | None = None, **names: object
    ) -> RetryLater:
        """The error of a passing fault."""
        return RetryLater(
            self.cause_of(**names), code=code or self.code, fix=self.fix_of(**names), after=after,
            maybe_written=maybe_written,
        )  # fmt: skip

    def duplicate(
        self, *, existing_id: str | None = None, code: str | None = None, **names: object
    ) -> PossibleDuplicate:
        """The error of a possible duplicate."""
        return PossibleDuplicate(
            self.cause_of(**names), code=code or self.code, fix=self.fix_of(**names), existing_id=existing_id
        )
