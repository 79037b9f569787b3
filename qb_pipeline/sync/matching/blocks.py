"""Which pairs are worth comparing: a union of blocks, each too small to make the cost grow with the square.

Invariant: a pair is compared when it shares any key that is not too common, so no single dirty field hides a match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

from qb_pipeline.sync.matching.normalise import sound
from qb_pipeline.sync.matching.profile import Profile
from qb_pipeline.sync.matching.words import COMPANY_WORDS, FILLERS

# A block's pairs (left count times right count). Specific keys may be shared by a property manager's many sites; loose
# ones (a word, a sound) stop carrying information long before.
SPECIFIC_CAP = 2_500
LOOSE_CAP = 225

Keys = tuple[frozenset[Hashable], frozenset[Hashable]]


def party_keys(profile: Profile) -> Keys:
    """The block keys of one party: specific ones and loose ones."""
    return frozenset(_specific(profile)), frozenset(_loose(profile))


def _specific(p: Profile) -> Iterable[Hashable]:
    if p.phone:
        yield "phone", p.phone
    if p.email:
        yield "email", p.email
    if p.address.complete:
        yield "door", p.address.number, p.address.postcode or p.address.city
        yield "street", p.address.number, p.address.name[0][:4]
    for name in p.names:
        yield "core", *sorted(name.core)
        if p.address.postcode:
            yield from (("word+place", sound(w), p.address.postcode) for w in _telling(name.core))


def _loose(p: Profile) -> Iterable[Hashable]:
    for name in p.names:
        telling = _telling(name.core)
        yield from (("word", w) for w in telling)
        yield from (("sounds", sound(x), sound(y)) for x, y in pairwise(telling))
        if name.family:
            yield from (("family", sound(name.family), g[0]) for g in name.given)
        elif telling:
            yield "sound", sound(telling[0])


def _telling(words: tuple[str, ...]) -> list[str]:
    return [w for w in words if w not in FILLERS and w not in COMPANY_WORDS] or list(words)


def pairs(left: Sequence[Keys], right: Sequence[Keys]) -> set[tuple[int, int]]:
    """Index pairs that share a key whose block is within its cap."""
    found: set[tuple[int, int]] = set()
    for which, cap in ((0, SPECIFIC_CAP), (1, LOOSE_CAP)):
        found |= block([k[which] for k in left], [k[which] for k in right], cap)
    return found


def block(left: Sequence[frozenset[Hashable]], right: Sequence[frozenset[Hashable]], cap: int) -> set[tuple[int, int]]:
    """Index pairs that share a key, leaving out keys that would make more than `cap` pairs."""
    on_left, on_right = _by_key(left), _by_key(right)
    return {
        (i, j)
        for key in on_left.keys() & on_right.keys()
        if len(on_left[key]) * len(on_right[key]) <= cap
        for i in on_left[key]
        for j in on_right[key]
    }


def _by_key(keys: Sequence[frozenset[Hashable]]) -> dict[Hashable, list[int]]:
    index: dict[Hashable, list[int]] = defaultdict(list)
    for i, own in enumerate(keys):
        for key in own:
            index[key].append(i)
    return index
