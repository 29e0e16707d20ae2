"""Vectors of texts without a model: hashed words and letter trigrams, so that similar texts lie near.

A feature (a word, the stem of a word, a pair of words, a trigram of letters) has one signed coordinate in each
octave of the dimensions, [0, 8), [8, 16), [16, 32), ...: feature hashing (Weinberger et al. 2009), laid out so
that the first n numbers of a long vector, scaled to unit length, are the vector of n dimensions, as OpenAI's
third generation has it.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

_WORD = re.compile(r"\w+")
_FIRST = 8  # coordinates of the first octave
# So common that sharing them says little of what a text is about.
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be but by do does for from had has have he her his how i in is it its me my no not of on "
        "or our she so than that the their them then there these they this to was we were what when where which who "
        "why will with would you your"
    )
)


def embed(text: str, dimensions: int, space: str = "") -> tuple[float, ...]:
    """The unit vector of `text`; `space` (a model's name) keeps the vectors of different models apart."""
    return _vector(_features(text), dimensions, space)


def embed_tokens(tokens: Sequence[int], dimensions: int, space: str = "") -> tuple[float, ...]:
    """The unit vector of a text given as token ids: near those of sequences that share tokens.

    Without the tokenizer's tables it is not the vector of the text that the tokens spell.
    """
    weights: Counter[str] = Counter(f"#{token}" for token in tokens)
    weights.update(f"#{a} #{b}" for a, b in pairwise(tokens))
    return _vector(((feature, math.sqrt(n)) for feature, n in weights.items()), dimensions, space)


def _features(text: str) -> Iterable[tuple[str, float]]:
    words = _WORD.findall(text.casefold())
    weights: dict[str, float] = defaultdict(float)
    for word in words:
        if word in _COMMON:
            weights[word] += 0.05
            continue
        weights[word] += 1
        if len(word) > 4:
            weights[word[:4] + "-"] += 0.7
        padded = f"^{word}$"
        for i in range(len(padded) - 2):
            weights[padded[i : i + 3]] += 0.25
    for a, b in pairwise(words):
        weights[f"{a} {b}"] += 0.1
    return ((feature, math.sqrt(weight)) for feature, weight in weights.items())


def _vector(features: Iterable[tuple[str, float]], dimensions: int, space: str) -> tuple[float, ...]:
    sums = [0.0] * dimensions
    for feature, weight in features:
        for at, sign in _coordinates(space, feature):
            if at >= dimensions:
                break
            sums[at] += sign * weight
    norm = math.sqrt(math.fsum(x * x for x in sums))
    if norm == 0:
        # No feature at all (punctuation), or they cancel in so few dimensions.
        return (1.0, *sums[1:])
    return tuple(x / norm for x in sums)


@lru_cache(maxsize=16_384)
def _coordinates(space: str, feature: str) -> tuple[tuple[int, float], ...]:
    """Index and sign in each octave up to 4096 dimensions, in ascending order."""
    drawn = blake2b(f"{space}\x1f{feature}".encode(), digest_size=40).digest()
    found = []
    low, high = 0, _FIRST
    for i in range(10):
        number = int.from_bytes(drawn[4 * i : 4 * i + 4], "big")
        found.append((low + (number >> 1) % (high - low), 1.0 if number & 1 else -1.0))
        low, high = high, 2 * high
    return tuple(found)
