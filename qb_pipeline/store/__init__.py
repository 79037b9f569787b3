"""Postgres: what both systems showed, what they last agreed on, and what is being written.

Invariant: every row belongs to a company, and every function here reads and writes one company's rows only.
"""
