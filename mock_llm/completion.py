"""What every wire protocol is translated to and from: one neutral request, one neutral answer.

Codecs (`mock_llm.codecs`) build a `Request` out of what a client sent and bytes out of a `Completion`; the
script, the faults and the journal know only these two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

Json = Any  # a decoded JSON value
Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause"]

EMPTY: Mapping[str, Json] = MappingProxyType({})
NO_HEADERS: Mapping[bytes, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound, a file: `kind` says which; the content stays in `raw`, as the client sent it."""

    kind: Literal["image", "audio", "video", "file"]
    raw: Json = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning shown before the answer. `signature` is Anthropic's; `redacted` hides the text."""

    text: str
    signature: str = ""
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool. `arguments` is JSON *text*, so that a fault can make it invalid.

    An empty `id` is filled in with one derived from (seed, session, ordinal) before a codec sees it.
    """

    name: str
    arguments: str = "{}"
    id: str = ""
    custom: bool = False  # OpenAI's free-form tools: `arguments` is then any text


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back. `name` is resolved from the call that `call_id` points to, if it is there."""

    call_id: str
    text: str
    name: str = ""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model declined; `text` says so."""

    text: str


Block = Text | Media | Thinking | ToolCall | ToolResult | Refusal


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Role
    blocks: tuple[Block, ...]
    name: str = ""

    @property
    def text(self) -> str:
        """Text blocks and the texts of tool results, one a line."""
        return "\n".join(b.text for b in self.blocks if isinstance(b, Text | ToolResult))


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client offered; `parameters` is its JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    strict: bool = False
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`mode` "tool" means: one of `names` must be called. `parallel` False allows one call at most."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    names: tuple[str, ...] = ()
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Params:
    """The sampling parameters that change what an answer looks like. Others stay in `Request.raw`."""

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    logprobs: bool = False
    top_logprobs: int = 0
    output: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Json] | None = None  # of the answer, with output="json_schema"
    schema_strict: bool = False
    thinking: bool = False
    temperature: float | None = None


AUTO = ToolChoice()
DEFAULT = Params()


@dataclass(frozen=True, slots=True)
class Request:
    """A generation that a client asked for, whatever protocol it spoke.

    `turns` leaves out system and developer messages; their text is `system`. `raw` is the decoded body.
    """

    protocol: str
    model: str
    turns: tuple[Turn, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = AUTO
    params: Params = DEFAULT
    stream: bool = False
    raw: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    headers: Mapping[bytes, bytes] = field(default_factory=lambda: NO_HEADERS)
    session: str = "default"
    ordinal: int = 0

    @property
    def newest(self) -> str:
        """The text of the newest turn (the newest turns, where several tool results came together)."""
        turns = self.turns
        if not turns:
            return ""
        if turns[-1].role != "tool":
            return turns[-1].text
        texts: list[str] = []
        for turn in reversed(turns):
            if turn.role != "tool":
                break
            texts.append(turn.text)
        return "\n".join(reversed(texts))

    @property
    def newest_user(self) -> str:
        """The newest text a user wrote, tool results left out."""
        for turn in reversed(self.turns):
            if turn.role == "user":
                text = "\n".join(b.text for b in turn.blocks if isinstance(b, Text))
                if text:
                    return text
        return ""

    @property
    def step(self) -> int:
        """How many times the assistant has already spoken in this conversation: 0 for the first answer."""
        return sum(turn.role == "assistant" for turn in self.turns)

    def tool_calls(self) -> Iterator[ToolCall]:
        """Every call made so far, oldest first."""
        return (b for turn in self.turns for b in turn.blocks if isinstance(b, ToolCall))

    def tool_results(self) -> Iterator[ToolResult]:
        """Every tool result so far, oldest first."""
        return (b for turn in self.turns for b in turn.blocks if isinstance(b, ToolResult))

    def fresh_results(self) -> tuple[ToolResult, ...]:
        """The tool results that came after the newest assistant turn."""
        found: list[ToolResult] = []
        for turn in reversed(self.turns):
            if turn.role == "assistant":
                break
            found.extend(b for b in reversed(turn.blocks) if isinstance(b, ToolResult))
        return tuple(reversed(found))

    def tool(self, name: str) -> Tool | None:
        """The offered tool of that name."""
        return next((tool for tool in self.tools if tool.name == name), None)


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `cached` are prompt tokens read from a cache, `reasoning` completion tokens of thought."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the n answers: ordered blocks (Text, Thinking, ToolCall, Refusal) and why it ended."""

    blocks: tuple[Block, ...] = ()
    finish: Finish | None = None
    """None: `tool_calls` when there is a call, else `stop`."""

    @property
    def text(self) -> str:
        return "".join(b.text for b in self.blocks if isinstance(b, Text))

    @property
    def thinking(self) -> str:
        return "".join(b.text for b in self.blocks if isinstance(b, Thinking))

    @property
    def refusal(self) -> str | None:
        return next((b.text for b in self.blocks if isinstance(b, Refusal)), None)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(b for b in self.blocks if isinstance(b, ToolCall))


@dataclass(frozen=True, slots=True)
class Completion:
    """What the mock answers. A finished one (what codecs and faults get) has usage and finish reasons."""

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    model: str = ""  # the model named in the answer; empty: the one asked for
    stop_sequence: str | None = None  # which of the client's stop sequences ended it

    @classmethod
    def of(cls, *blocks: Block | str, finish: Finish | None = None, usage: Usage | None = None) -> Completion:
        """An answer of one choice; a bare string is a Text."""
        made = tuple(Text(b) if isinstance(b, str) else b for b in blocks)
        return cls((Choice(made, finish),), usage)

    @property
    def first(self) -> Choice:
        return self.choices[0]

    def with_blocks(self, *blocks: Block, finish: Finish | None = None) -> Completion:
        """The same answer with the first choice's blocks replaced (what semantic faults do)."""
        choice = replace(self.first, blocks=blocks, finish=finish or self.first.finish)
        return replace(self, choices=(choice, *self.choices[1:]))
