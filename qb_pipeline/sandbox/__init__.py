"""Honest local servers that behave like QuickBooks Online and like contractor software.

Invariant: nothing here imports the pipeline, so a misunderstanding of QBO cannot hide on both sides.
"""
