"""The right body under the wrong name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.codecs.protocol import Reply
from mock_llm.faults.fault import Fault, Hit, fault


@fault("content_type")
@dataclass(frozen=True, slots=True)
class ContentType(Fault):
    """Send `value` as Content-Type; empty: none at all."""

    value: str = "text/html; charset=utf-8"

    def reply(self, reply: Reply, hit: Hit) -> Reply:
        kept = tuple(item for item in reply.headers if item[0] != b"content-type")
        named = ((b"content-type", self.value.encode("latin-1")),) if self.value else ()
        return replace(reply, headers=named + kept)
