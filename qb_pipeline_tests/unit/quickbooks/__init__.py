"""The QuickBooks package against canned answers over real HTTP."""
