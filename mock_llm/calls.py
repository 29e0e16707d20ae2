"""A session's calls: look at them, count them, price them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import orjson

from mock_llm.journal import Entry, shown

PriceTable = Mapping[str, tuple[float, float]]
# US dollars for a million prompt and completion tokens, as published in 2025; give your own table for others.
PRICES: PriceTable = {
    "gpt-4o": (2.50, 10.00),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-4.1": (2.00, 8.00),
    "gpt-4.1-mini": (0.40, 1.60),
    "o3": (2.00, 8.00),
    "o4-mini": (1.10, 4.40),
    "claude-opus-4": (15.00, 75.00),
    "claude-sonnet-4": (3.00, 15.00),
    "claude-3-5-haiku": (0.80, 4.00),
    "gemini-2.5-pro": (1.25, 10.00),
    "gemini-2.5-flash": (0.30, 2.50),
}


def price(model: str, prompt: int, completion: int, prices: PriceTable | None = None) -> float | None:
    """US dollars for so many tokens, by the longest name in the table that the model starts with; None: no such."""
    table = prices if prices is not None else PRICES
    name = max((name for name in table if model.startswith(name)), key=len, default=None)
    return None if name is None else (prompt * table[name][0] + completion * table[name][1]) / 1_000_000


class MockCall:
    """One request and its answer: the journal's entry with its bodies decoded."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)

    @property
    def body(self) -> Any:
        """The decoded request body."""
        return orjson.loads(self.entry.request) if self.entry.request else None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the request as the client sent them."""
        body = self.body
        return body.get("messages", []) if isinstance(body, dict) else []

    @property
    def tool_calls(self) -> list[tuple[str, str]]:
        """Names and arguments (JSON texts) of the tools that the answer called."""
        return [
            (block["tool_call"]["name"], block["tool_call"]["arguments"])
            for block in shown(self.entry.answer) or ()
            if isinstance(block, dict) and "tool_call" in block
        ]

    @property
    def text(self) -> str:
        """The text of the answer."""
        answer = shown(self.entry.answer)
        blocks = answer if isinstance(answer, list) else ()
        return "".join(block.get("text", "") for block in blocks if isinstance(block, dict))

    def __repr__(self) -> str:
        e = self.entry
        tools = f" called {', '.join(e.tools_called)}" if e.tools_called else ""
        rule = f" by rule {e.rule!r}" if e.rule else ""
        faults = f" with faults {', '.join(e.faults)}" if e.faults else ""
        return f"#{e.ordinal} {e.method} {e.path} {e.model} -> {e.status}{tools}{rule}{faults}"


class Calls(Sequence[MockCall]):
    """Calls, oldest first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._calls = [MockCall(entry) for entry in entries]

    @overload
    def __getitem__(self, index: int) -> MockCall: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: int | slice) -> MockCall | Calls:
        if isinstance(index, slice):
            return Calls([call.entry for call in self._calls[index]])
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[MockCall]:
        return iter(self._calls)

    def __repr__(self) -> str:
        return "no calls" if not self._calls else "\n".join(map(repr, self._calls))

    def where(
        self,
        *,
        tool: str | None = None,
        offered: str | None = None,
        model: str | None = None,
        status: int | None = None,
        rule: str | None = None,
        protocol: str | None = None,
        fault: str | None = None,
        text: str | None = None,
    ) -> Calls:
        """Those that fit all. tool: called by the answer; offered: among the request's tools; text: in its body."""

        def fits(entry: Entry) -> bool:
            return (
                (tool is None or tool in entry.tools_called)
                and (offered is None or offered in entry.tools_offered)
                and (model is None or entry.model == model)
                and (status is None or entry.status == status)
                and (rule is None or entry.rule == rule)
                and (protocol is None or entry.protocol == protocol)
                and (fault is None or fault in entry.faults)
                and (text is None or text in entry.request.decode("utf-8", "replace"))
            )

        return Calls([call.entry for call in self._calls if fits(call.entry)])

    def assert_called(self, *, times: int | None = None, **where: Any) -> Calls:
        """At least one call fits (or exactly `times`; for `tool`, that tool's calls are counted).

        Returns the calls that fit. Raises AssertionError that lists what was called instead.
        """
        found = self.where(**where)
        tool = where.get("tool")
        count = sum(call.entry.tools_called.count(tool) for call in found) if tool else len(found)
        if count == 0 if times is None else count != times:
            wanted = " and ".join(f"{key}={value!r}" for key, value in where.items()) or "any call"
            expected = "at least once" if times is None else f"{times} times"
            raise AssertionError(f"expected {wanted} {expected}, found {count}; the calls were:\n{self!r}")
        return found

    @property
    def prompt_tokens(self) -> int:
        return sum(call.entry.prompt_tokens for call in self._calls)

    @property
    def completion_tokens(self) -> int:
        return sum(call.entry.completion_tokens for call in self._calls)

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def tools(self) -> Counter[str]:
        """How often the answers called each tool."""
        return Counter(tool for call in self._calls for tool in call.entry.tools_called)

    def cost(self, prices: PriceTable | None = None) -> float:
        """Price of all tokens in US dollars. The longest name in the table that a model starts with counts.

        Raises KeyError for a model without a price.
        """
        total = 0.0
        for call in self._calls:
            entry = call.entry
            if not (entry.prompt_tokens or entry.completion_tokens):
                continue
            cost = price(entry.model, entry.prompt_tokens, entry.completion_tokens, prices)
            if cost is None:
                raise KeyError(f"no price for model {entry.model!r}; give prices={{model: (prompt, completion)}}")
            total += cost
        return total
