"""A QuickBooks Online server for demos and tests, with durable state and the behaviour clients stumble over.

Invariant: what is answered is what is stored; what is not modelled is refused with a Fault that says so.
"""
