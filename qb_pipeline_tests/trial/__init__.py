"""A buyer's four weeks with the product: one instance, both systems, its commands and Dagster's timetable."""
