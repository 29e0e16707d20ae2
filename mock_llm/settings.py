"""What is fixed when a server starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """
    seed: from which everything random derives, together with the session and the ordinal.
    mode: `auto` answers what no rule matches with a sensible made-up answer; `strict` makes it an error.
    models: the models there are; empty: any name will do, and a well-known list is shown.
    require_key: a request without an API key is answered 401, as the providers do.
    context_windows: tokens by model, over the built-in table; a longer prompt is answered 400.
    chunk_tokens: the most tokens in one streamed chunk; the sizes up to it are drawn from the seed.
    """

    seed: int = 0
    mode: Literal["auto", "strict"] = "auto"
    models: tuple[str, ...] = ()
    require_key: bool = False
    context_windows: Mapping[str, int] = field(default_factory=dict)
    chunk_tokens: int = 3
