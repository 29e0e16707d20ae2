"""What a rule answers: blocks, templated or generated, or an error, or whatever a callable returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from mock_llm.codecs.protocol import ApiError
from mock_llm.completion import Block, Choice, Completion, Finish, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.faults.status import retry_after
from mock_llm.script.generate import arguments_for
from mock_llm.script.matchers import Scene
from mock_llm.script.template import fill, fill_text
from mock_llm.seed import Seed

GENERATE = "generate"  # arguments: generate -> made from the tool's schema


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to answer with. `arguments`: a mapping, a JSON text taken as it is, or GENERATE."""

    name: str
    arguments: Any = GENERATE
    id: str = ""


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """A provider's error to answer with. retry_after in seconds."""

    status: int
    message: str = ""
    code: str | None = None
    kind: str = ""
    retry_after: float | None = None
    retry_after_as: str = "seconds"


Spec = Text | Thinking | Refusal | Call


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a rule.

    choices: the blocks of each of n choices; a client that asks for more gets the last one repeated.
    pacing: for this answer alone, as data. delay: seconds before the first byte.
    """

    choices: tuple[tuple[Spec, ...], ...] = ()
    finish: Finish | None = None
    usage: Usage | None = None
    model: str = ""
    error: ErrorSpec | None = None
    function: Callable[[Request], Any] | None = None
    pacing: Mapping[str, Any] | None = None
    delay: float = 0.0
    goto: str | None = None  # the next state of the session's state machine
    shown: Any = field(default=None, compare=False)
    fixed: Completion | None = field(default=None, init=False, compare=False, repr=False)
    """The completion, where nothing in it depends on the request."""

    def __post_init__(self) -> None:
        if self.function is not None or self.error is not None or not self.choices:
            return
        blocks = [block for specs in self.choices for block in specs]
        if all(not isinstance(b, Call) and "{{" not in b.text for b in blocks):
            choices = tuple(Choice(specs, self.finish) for specs in self.choices)  # type: ignore[arg-type]
            object.__setattr__(self, "fixed", Completion(choices, self.usage, self.model))

    def build(self, scene: Scene, seed: Seed, now: float) -> Completion:
        """The completion. Raises ApiError where the answer is an error, TemplateError for a bad template."""
        if self.fixed is not None:
            return self.fixed
        if self.function is not None:
            return self._called(scene, seed, now)
        if self.error is not None:
            error = self.error
            headers = (
                (retry_after(error.retry_after, error.retry_after_as, now),) if error.retry_after is not None else ()
            )
            raise ApiError(
                error.status,
                error.message,
                code=error.code,
                kind=error.kind,
                headers=headers,
                retry_after=error.retry_after,
            )
        choices = tuple(
            Choice(tuple(_block(spec, scene, seed, f"{c}.{i}") for i, spec in enumerate(specs)), self.finish)
            for c, specs in enumerate(self.choices or ((),))
        )
        return Completion(choices, self.usage, self.model)

    def _called(self, scene: Scene, seed: Seed, now: float) -> Completion:
        from mock_llm.script.decode import answer_from_data

        assert self.function is not None
        made = self.function(scene.request)
        if isinstance(made, Completion):
            return made
        if isinstance(made, ApiError):
            raise made
        return answer_from_data(made, "the callable's answer").build(scene, seed, now)


def _block(spec: Spec, scene: Scene, seed: Seed, name: str) -> Block:
    if isinstance(spec, Text):
        return Text(fill_text(spec.text, scene)) if "{{" in spec.text else spec
    if isinstance(spec, Call):
        return ToolCall(spec.name, _arguments(spec, scene, seed, name), spec.id)
    if isinstance(spec, Thinking):
        return Thinking(fill_text(spec.text, scene), spec.signature, spec.redacted)
    return Refusal(fill_text(spec.text, scene))


def _arguments(spec: Call, scene: Scene, seed: Seed, name: str) -> str:
    if spec.arguments == GENERATE:
        return arguments_for(scene.request.tool(spec.name), scene.request, seed.rng("arguments" + name))
    if isinstance(spec.arguments, str):
        return fill_text(spec.arguments, scene)
    return orjson.dumps(fill(spec.arguments, scene)).decode()
