"""One spelling for everything that is only written differently: text, phones, e-mail addresses.

Invariant: normalising twice changes nothing, and empty or unreadable input becomes "" rather than a false agreement.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

_PLAIN = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_ACRONYM = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_APOSTROPHES = re.compile(r"['`\u2018\u2019\u00b4]")
_JOINERS = re.compile(r"[&+]")
_NOT_WORD = re.compile(r"[\W_]+")
_US_PHONE = re.compile(r"1?[2-9]\d{9}")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def fold(text: str | None, *, german: bool = False) -> str:
    """Lower case words without accents or punctuation, one space apart; `german` writes ü as ue rather than u."""
    if not text:
        return ""
    bare = text.lower() if text.isascii() else _bare(text, german)
    joined = _APOSTROPHES.sub("", _JOINERS.sub(" and ", bare))
    if "." in joined:
        joined = _ACRONYM.sub(lambda m: m.group().replace(".", ""), joined)
    return _NOT_WORD.sub(" ", joined).strip()


def _bare(text: str, german: bool) -> str:
    """Lower case letters without their accents."""
    lowered = unicodedata.normalize("NFC", text).casefold()
    if german:
        lowered = lowered.translate(_GERMAN)
    decomposed = unicodedata.normalize("NFKD", lowered.translate(_PLAIN))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def spellings(text: str | None) -> tuple[str, ...]:
    """Both foldings of a text where they differ: Müller is muller and mueller, Mueller only itself."""
    plain, german = fold(text), fold(text, german=True)
    return (plain,) if plain == german else (plain, german)


def phone(value: str | None, region: str = "US") -> str:
    """The last ten digits of the national number, without extension; "" when it is no phone number."""
    if not value:
        return ""
    digits = re.sub(r"[\s().\-]", "", value)
    return digits[-10:] if _US_PHONE.fullmatch(digits) and region == "US" else _parsed_phone(value, region)


@lru_cache(maxsize=20_000)
def _parsed_phone(value: str, region: str) -> str:
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return ""  # a note in the phone field ("call wife") is no evidence either way
    national = phonenumbers.national_significant_number(parsed)
    if len(national) < 7 or len(set(national)) == 1:  # 000-0000 and the like stand for "none"
        return ""
    return national[-10:]


def email(value: str | None) -> str:
    """Lower case, without a +tag and Gmail's meaningless dots; of several addresses the first."""
    address = re.split(r"[,;\s]+", (value or "").strip().casefold())[0]
    local, at, domain = address.rpartition("@")
    local = local.split("+")[0]
    if not at or not local or "." not in domain:
        return ""
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}" if local else ""


def tax_id(value: str | None) -> str:
    """The last four digits of a tax number, masked or not ("XX-XXX6789"); "" when there are fewer."""
    digits = re.sub(r"\D", "", value or "")
    return digits[-4:] if len(digits) >= 4 else ""


def code(value: str | None) -> str:
    """A document number, SKU or account number: letters and digits only, no leading zeros."""
    bare = re.sub(r"[\W_]+", "", (value or "").casefold())
    return bare.lstrip("0") or bare[:1]


@lru_cache(maxsize=50_000)
def sound(word: str) -> str:
    """How a word sounds (American Soundex of the folded word), so that a misspelt vowel keeps its block."""
    if not word or not word[0].isalpha():
        return word
    codes = {c: d for d, letters in _SOUNDS.items() for c in letters}
    out, last = word[0], codes.get(word[0], "")
    for char in word[1:]:
        digit = codes.get(char, "")
        if digit and digit != last:
            out += digit
        if char not in "hw":
            last = digit
    return (out + "000")[:4]


_SOUNDS = {"1": "bfpv", "2": "cgjkqsxz", "3": "dt", "4": "l", "5": "mn", "6": "r"}
