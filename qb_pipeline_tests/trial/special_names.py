"""Names as people type them, and the one each should have on the other side."""

from __future__ import annotations

ACCEPTED = (
    "O'Malley's Roofing",
    "Smith & Sons, Inc.",
    'Tom "Red" Harker',
    "José Núñez Construcción",
    "Société Générale d'Étanchéité",
    "Łódź Żwir & Kruszywa",
    "Ōsaka 建設株式会社",
    "Café ☕ Résumé 🏗️",
    "50% Off / Discount_House #7",
    "Back\\slash (Ltd.) [West] {A} <b>bold</b>",
    "Robert'); DROP TABLE customers;--",
    "%_wild*card?",
    "Ünïcödé ﬁve",
    "Müller-Lüdenscheidt GmbH",
    "Ελληνικά Έργα",
    "Строй Дом",
)
"""What both systems take as it stands."""

TIDIED = {"  Leading Spaces Ltd": "Leading Spaces Ltd", "Trailing Spaces Ltd  ": "Trailing Spaces Ltd"}
"""Spaces around a name are no part of it."""

TOO_LONG = "The Honourable Company of Master Builders, Joiners, Glaziers and Plumbers of Dover " * 6 + "and Kent"

REFUSED = {
    "Harbor: Pier 7": "a colon",
    "Tab\tbed Builders": "a tab",
    "Two\nLines Ltd": "a line feed",
    TOO_LONG: "at most 500",
}
"""What QuickBooks allows in no name, and the words that say why."""
