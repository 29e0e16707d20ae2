"""Kubernetes' quantities: `250m`, `1Gi`, `2e3`."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_SUFFIXES = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12",
             "P": "1e15", "E": "1e18"}  # fmt: skip
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?")


def quantity(text: str | int | float) -> Decimal:
    """A quantity as a number. Raises ValueError for one that is none."""
    match = _FORM.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, suffix = Decimal(match[1] + (match[2] or "")), match[3] or ""
    if suffix in _BINARY:
        return number * Decimal(1024) ** (_BINARY.index(suffix) + 1)
    return number * Decimal(_SUFFIXES[suffix])


def milli(number: Decimal | float) -> str:
    """A number as a quantity: whole, or in thousandths, rounded up."""
    thousandths = int((Decimal(number) * 1000).to_integral_value(ROUND_CEILING))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"
