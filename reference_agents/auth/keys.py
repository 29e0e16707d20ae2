"""The keys that sign tokens, and their rotation.

      rotate            rotate
key 1 ------> key 2 signs ------> key 3 signs        signs: the newest
in JWKS ............|<- overlap ->| gone             a key that no longer signs stays public until the
                                                     last token it signed has expired
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey

from reference_agents.common.clock import Clock

BITS = 2048


@dataclass(frozen=True)
class _Held:
    key: RSAKey
    since: float
    retired: float | None = None  # when it stopped signing, seconds since 1970


def generated() -> RSAKey:
    """A new RSA key; its id is its thumbprint (RFC 7638)."""
    return identified(RSAKey.generate_key(BITS, private=True))


def identified(key: RSAKey) -> RSAKey:
    """`key` with its thumbprint as `kid`, for signing only."""
    public = {name: str(value) for name, value in key.as_dict(private=True).items()}
    return RSAKey.import_key({**public, "kid": key.thumbprint(), "use": "sig", "alg": "RS256"})


@dataclass
class KeyRing:
    """The newest key signs; one that was replaced stays public for `overlap_s` seconds, the life of a token."""

    clock: Clock
    overlap_s: float
    make: Callable[[], RSAKey] = generated
    _held: list[_Held] = field(default_factory=list)

    def signing(self) -> RSAKey:
        """The key that signs now; the first is made when it is first asked for."""
        if not self._held:
            self.rotate()
        return self._held[-1].key

    def rotate(self, key: RSAKey | None = None) -> RSAKey:
        """From now on `key` (a new one where none is given) signs."""
        now = self.clock.epoch()
        chosen = key or self.make()
        self._held = [_Held(one.key, one.since, one.retired or now) for one in self._public(now)]
        self._held.append(_Held(chosen, now))
        return chosen

    def jwks(self) -> dict[str, Any]:
        """The public halves (RFC 7517): of the key that signs, and of those whose tokens may still be about."""
        self.signing()
        self._held = self._public(self.clock.epoch())
        return {"keys": [one.key.as_dict(private=False) for one in self._held]}

    def _public(self, now: float) -> list[_Held]:
        return [one for one in self._held if one.retired is None or now < one.retired + self.overlap_s]


def watch(folder: Path, ring: KeyRing) -> None:
    """Take the PEM file of `folder` that is last by name as the signing key, if it is not that already.

    A mounted Secret that gets a further file thus rotates every replica. Raises OSError, ValueError.
    """
    files = sorted(folder.glob("*.pem"))
    if not files:
        raise ValueError(f"no *.pem in {folder}")
    # Each is taken in turn the first time, so that a replica that starts late publishes the older ones too.
    known = {key["kid"] for key in ring.jwks()["keys"]} if ring._held else set()
    for file in files if not known else files[-1:]:
        key = identified(RSAKey.import_key(file.read_bytes()))
        if key.kid not in known:
            ring.rotate(key)
