"""The web service: webhooks in, the consent of QuickBooks, health and metrics.

Invariant: it decides nothing about the books. It stores what came in, calls the engine, and answers.
"""
