"""What a token costs, by model, read from a settings file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = Path(__file__).with_name("prices.toml")
NANOS = 10**9  # amounts are kept in billionths of a dollar: whole numbers add up exactly, in Redis too


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, Price]


@dataclass(frozen=True)
class Prices:
    """The price list."""

    models: Mapping[str, Price]

    @classmethod
    def read(cls, path: str = "") -> Prices:
        """From the file at `path`, or the one beside this module. Raises ValueError naming the file."""
        file = Path(path) if path else FILE
        try:
            return cls(_File.model_validate(tomllib.loads(file.read_text())).models)
        except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise ValueError(f"LLM_PRICES_FILE: {file} is no price list: {error}") from None

    def of(self, model: str) -> Price | None:
        """The price of `model`; None for one that nobody has priced."""
        known = max((name for name in self.models if model.startswith(name)), key=len, default=None)
        return None if known is None else self.models[known]

    def nanos(self, model: str, prompt: int, completion: int) -> int:
        """What these tokens cost, in billionths of a dollar; 0 for a model without a price."""
        price = self.of(model)
        if price is None:
            return 0
        return round((prompt * price.prompt + completion * price.completion) * NANOS / 10**6)
