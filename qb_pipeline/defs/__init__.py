"""What Dagster shows: assets, checks, jobs and schedules over the steps of `qb_pipeline.sync.engine`.

Invariant: nothing here decides anything about a record, and loading it opens no connection.
"""
