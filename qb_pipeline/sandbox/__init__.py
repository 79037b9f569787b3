"""Honest local servers that behave like QuickBooks Online and like contractor software; import nothing of the pipeline."""
