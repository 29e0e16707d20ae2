"""Chance as an argument: one number from which every random draw of a run derives."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Seed:
    """A named source of randomness.

    Two seeds with the same value and the same path draw the same numbers, whatever else the run does and in
    whatever order; so adding a draw in one place never changes another.
    """

    value: int
    path: tuple[str, ...] = ()

    def derive(self, *names: object) -> Seed:
        """A seed of its own for the part of the run that `names` name."""
        return Seed(self.value, (*self.path, *(str(name) for name in names)))

    def number(self) -> int:
        """64 bits that depend on the value and the path alone (BLAKE2b)."""
        text = "\x1f".join((str(self.value), *self.path))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def rng(self) -> random.Random:
        """A fresh generator; call it once per consumer and pass the generator on."""
        return random.Random(self.number())
