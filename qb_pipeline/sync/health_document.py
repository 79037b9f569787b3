"""A company's health as a document for programs: the same for the command and the console.

Invariant: every figure of `Health` is in it, times with their zone, durations in seconds; no secret, no record's id.
"""

from __future__ import annotations

from typing import Any

from qb_pipeline.sync.health import Health


def document(h: Health) -> dict[str, Any]:
    """JSON form of `h`; times are left to the encoder, which writes them in ISO form."""
    return {
        "company": h.company,
        "verdict": str(h.verdict),
        "findings": [{"gravity": str(f.gravity), "code": f.code, "reason": f.reason, "fix": f.fix} for f in h.findings],
        "connection": {"state": h.state.value, "reason": h.state_reason, "since": h.since},
        "tokens": {"access_until": h.access_until, "refresh_until": h.refresh_until, "days_left": _days(h.token_days)},
        "lag": [
            {"side": x.side.value, "entity": x.entity, "seconds": int(x.behind.total_seconds()), "debts": x.debts}
            for x in h.lags
        ],
        "owed": {
            "open_writes": h.open_writes,
            "parked": h.parked,
            "unplanned": h.unplanned,
            "exceptions": {state.value: count for state, count in h.exceptions.items()},
            "oldest_seconds": int(h.oldest_owed.total_seconds()),
            "oldest": [
                {"kind": o.kind, "what": o.what, "since": o.since, "why": o.why, "fix": o.fix, "who": o.who}
                for o in h.owed
            ],
        },
        "runs": {
            "last_success": dict(h.last_success),
            "last_status": h.last_run.value if h.last_run else None,
            "last_error": h.last_error,
        },
        "quota": {
            "calls_this_month": dict(h.quota.calls),
            "metered": h.quota.metered,
            "metered_of_app": h.quota.app_metered,
            "allowance": h.quota.allowance,
            "percent": round(h.quota.share * 100, 2),
        },
        "inbox": {"waiting": h.inbox_waiting, "since": h.inbox_since},
        "gaps_owed": h.gaps_owed,
    }


def _days(left: float | None) -> float | None:
    return None if left is None else round(left, 2)
