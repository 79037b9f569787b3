"""Which of the records an exception blocks somebody was told of.

Invariant: as in `tables`; this text stays as it is, later changes are later revisions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EMPTY = sa.text("'[]'::jsonb")


def upgrade() -> None:
    told = sa.Column("told_blocks", postgresql.JSONB(), nullable=False, server_default=EMPTY)
    op.add_column("exception", told, schema="qb")
    # What is listed by now is no news to anybody.
    op.execute("UPDATE qb.exception SET told_blocks = blocks WHERE state <> 'resolved'")
