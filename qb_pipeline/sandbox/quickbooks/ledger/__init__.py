"""The double-entry ledger underneath the transactions.

Invariant: debits equal credits in every transaction, and every balance the API shows comes out of the postings.

posting.py says what a posting is, rules/ what each transaction posts, book.py keeps the postings, settle.py carries
them to the balances of accounts, customers and vendors, opening.py gives a loaded company its opening position.
"""
