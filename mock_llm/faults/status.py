"""Any HTTP status, with the provider's own body and headers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import formatdate
from typing import ClassVar, Literal

from mock_llm.codecs.protocol import ApiError, Headers
from mock_llm.faults.fault import Fault, Hit, fault


@fault("status")
@dataclass(frozen=True, slots=True)
class Status(Fault):
    """Answer `status`. `retry_after` is in seconds and is sent in the form that `retry_after_as` names.

    should_retry: sends the `x-should-retry` header, which overrides the openai client's own rule.
    """

    spoils: ClassVar[bool] = True

    status: int = 500
    message: str = ""
    code: str | None = None
    retry_after: float | None = None
    retry_after_as: Literal["seconds", "date", "ms"] = "seconds"
    should_retry: bool | None = None

    def refuse(self, hit: Hit) -> ApiError:
        headers: Headers = ()
        if self.retry_after is not None:
            headers += (retry_after(self.retry_after, self.retry_after_as, hit.now),)
        if self.should_retry is not None:
            headers += ((b"x-should-retry", b"true" if self.should_retry else b"false"),)
        return ApiError(self.status, self.message, code=self.code, headers=headers, retry_after=self.retry_after)


def retry_after(seconds: float, form: str, now: float) -> tuple[bytes, bytes]:
    """The header that asks to wait `seconds`, in one of the three forms that clients understand."""
    if form == "ms":
        return b"retry-after-ms", str(round(seconds * 1000)).encode()
    if form == "date":
        # Dates have whole seconds: rounded down, who keeps to them would come too soon.
        return b"retry-after", formatdate(math.ceil(now + seconds), usegmt=True).encode()
    whole = int(seconds) if float(seconds).is_integer() else seconds
    return b"retry-after", str(whole).encode()
