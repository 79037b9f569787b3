"""How to talk to QuickBooks Online: consent and tokens, HTTP, throttling, errors and the codecs of its objects.

Invariant: nothing leaves this package that QBO did not say, and every refusal leaves it as an error named by recovery.
"""
