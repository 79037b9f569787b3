"""Which pairs are worth comparing: a union of blocks, each too small to make the cost grow with the square.

Invariant: a pair is compared when it shares any key that is not too common, so no single dirty field hides a match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise, product

from qb_pipeline.sync.matching.normalise import sound
from qb_pipeline.sync.matching.profile import Profile
from qb_pipeline.sync.matching.words import COMPANY_WORDS, FILLERS

# A block's pairs (left count times right count). Specific keys may be shared by a property manager's many sites; loose
# ones (a word, a sound) stop carrying information long before.
SPECIFIC_CAP = 2_500
LOOSE_CAP = 100

Keys = tuple[frozenset[Hashable], frozenset[Hashable]]


def party_keys(profile: Profile) -> Keys:
    """The block keys of one party: specific ones and loose ones."""
    return frozenset(_specific(profile)), frozenset((*_loose(profile), *_by_lines(profile)))


def _by_lines(p: Profile) -> Iterable[Hashable]:
    """Where nothing but the address is known: a line of it with the place, whatever slipped at the end of either."""
    if p.phone or p.email:
        return
    for line in filter(None, p.address.lines):
        yield "line+city", line[:5], p.address.city[:4]
        yield "line+code", line[:5], *sorted(p.address.postcode)


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
    """Index pairs that share a specific key, or a loose one that is not too common."""
    specific = block([k[0] for k in left], [k[0] for k in right], SPECIFIC_CAP, neighbours=True)
    return specific | block([k[1] for k in left], [k[1] for k in right], LOOSE_CAP)


def block(
    left: Sequence[frozenset[Hashable]], right: Sequence[frozenset[Hashable]], cap: int, *, neighbours: bool = False
) -> set[tuple[int, int]]:
    """Index pairs that share a key whose block has at most `cap` pairs.

    With `neighbours` a larger block still gives each of its records a few pairs, so that a crowd of look-alikes ends
    up as weak candidates rather than as records nobody knows. Rows must come in the order of their ids.
    """
    on_left = _by_key(left)
    on_right = _by_key([own & on_left.keys() for own in right])
    found: set[tuple[int, int]] = set()
    for key, theirs in on_right.items():
        mine = on_left[key]
        if len(mine) * len(theirs) <= cap:
            found.update(product(mine, theirs))
        elif neighbours:
            found.update(_ring(mine, theirs))
    return found


def _ring(left: Sequence[int], right: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Each record with its counterpart and the counterpart's neighbours, counted round."""
    for k in range(max(len(left), len(right))):
        here, there = k % len(left), k % len(right)
        yield left[here], right[there]
        yield left[here], right[(there + 1) % len(right)]
        yield left[(here + 1) % len(left)], right[there]


def _by_key(keys: Sequence[frozenset[Hashable]]) -> dict[Hashable, list[int]]:
    index: dict[Hashable, list[int]] = defaultdict(list)
    for i, own in enumerate(keys):
        for key in own:
            index[key].append(i)
    return index
