"""Chance as an argument: everything random derives from (seed, session, ordinal in the session, name)."""

from __future__ import annotations

import random
from hashlib import blake2b

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(ord(_ALPHABET[i % 62]) for i in range(256))


class Seed:
    """A named source of randomness; equal paths draw equal numbers, in whatever order they are asked."""

    __slots__ = ("_key",)

    def __init__(self, value: int | str | bytes = 0) -> None:
        self._key = value if isinstance(value, bytes) else str(value).encode()

    def derive(self, *names: object) -> Seed:
        """A seed of its own for the part that `names` name."""
        return Seed(b"\x1f".join((self._key, *(str(name).encode() for name in names))))

    def digest(self, name: str = "", size: int = 32) -> bytes:
        """`size` bytes (at most 64) that depend on the path and `name` alone (BLAKE2b)."""
        return blake2b(self._key + b"\x1f" + name.encode(), digest_size=size).digest()

    def number(self, name: str = "") -> int:
        """64 bits."""
        return int.from_bytes(self.digest(name, 8), "big")

    def rng(self, name: str = "") -> random.Random:
        """A fresh generator; take one per consumer."""
        return random.Random(self.number(name))

    def letters(self, name: str, length: int = 24) -> str:
        """An identifier of `length` (at most 64) letters and digits."""
        return self.digest(name, length).translate(_LETTERS).decode()
