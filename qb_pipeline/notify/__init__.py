"""Telling people: what is noticed becomes one notice per topic, and goes out as few mails as possible.

`watch` raises and clears notices, `digest` gathers new exceptions, `sending` sends what is due, `mail` speaks SMTP.
"""
