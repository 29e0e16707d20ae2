"""An answer with nothing in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson

from mock_llm.codecs.protocol import Reply
from mock_llm.completion import Completion
from mock_llm.faults._frames import CONTENT
from mock_llm.faults.fault import Cut, Fault, Hit, Steps, fault

_LISTS = ("choices", "content", "candidates", "output")  # OpenAI, Anthropic, Gemini, Responses


@fault("empty_choices")
@dataclass(frozen=True, slots=True)
class EmptyChoices(Fault):
    """200 whose list of answers is empty.

    A stream of choices keeps its structure, without content and finish reason. Where a stream tells the start and
    the end of each block (Anthropic, Responses), there are none: it begins, says that it is done, and ends.
    """

    spoils: ClassVar[bool] = True

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        if hit.request is None or not hit.request.stream or not hit.codec.hints.blocks:
            return completion
        return completion.with_blocks(finish="stop")

    def reply(self, reply: Reply, hit: Hit) -> Reply:
        if not reply.body or reply.status >= 400:
            return reply
        try:
            body = orjson.loads(reply.body)
        except ValueError:
            return reply
        if not isinstance(body, dict):
            return reply
        for name in _LISTS:
            if isinstance(body.get(name), list):
                body[name] = []
        if "done_reason" in body:  # Ollama
            _hush(body)
        return replace(reply, body=orjson.dumps(body))

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        if hit.codec.hints.blocks:
            return steps
        gone = CONTENT | {"finish"}
        return [step for step in steps if isinstance(step, Cut) or step.frame.kind not in gone]


def _hush(body: dict[str, Any]) -> None:
    """Ollama's answers have no list: its one message (of a chat) or response (of a prompt) falls silent."""
    said = body.get("message")
    if isinstance(said, dict):
        body["message"] = {"role": said.get("role"), "content": ""}
    else:
        body["response"] = ""
    body.pop("thinking", None)
