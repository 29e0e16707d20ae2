"""200 with an error in the body, as gateways in front of providers send it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mock_llm.codecs.protocol import ApiError, Reply
from mock_llm.faults.fault import Fault, Hit, fault


@fault("error_body")
@dataclass(frozen=True, slots=True)
class ErrorBody(Fault):
    """Answer `status` (200) with the body that the provider would send for `error` (500)."""

    spoils: ClassVar[bool] = True

    status: int = 200
    error: int = 500
    message: str = ""

    def refuse(self, hit: Hit) -> Reply:
        return replace(hit.codec.error(ApiError(self.error, self.message), hit.call), status=self.status)
