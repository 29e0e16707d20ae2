"""OpenAI's completions of before chat: a prompt, or several, continued."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_chat.logprobs import token_logprobs
from mock_llm.codecs.openai_chat.render import fingerprint, usage_body
from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Hints, Reply, Route
from mock_llm.completion import Choice, Completion, Params, Request, Text, Turn, Usage
from mock_llm.models import exists
from mock_llm.tokens import chunks

_NUMBER = (int, float)
_PARAMETERS: dict[str, Any] = {
    "model": str, "prompt": (str, list), "best_of": int, "echo": bool, "frequency_penalty": _NUMBER,
    "logit_bias": dict, "logprobs": int, "max_tokens": int, "n": int, "presence_penalty": _NUMBER, "seed": int,
    "stop": (str, list), "stream": bool, "stream_options": dict, "suffix": str, "temperature": _NUMBER,
    "top_p": _NUMBER, "user": str,
}  # fmt: skip
_FINISH = {"length": "length", "content_filter": "content_filter"}
_USUAL_LENGTH = 16


class OpenAICompletions:
    """The codec. Several prompts have n choices each; all of them are answered as one conversation."""

    name = "openai-completions"
    routes: tuple[Route, ...] = _openai.routes(Route("POST", "/v1/completions"))
    hints = Hints(done=b"data: [DONE]\n\n")

    def parse(self, call: Call) -> Request:
        raw = call.json
        if not isinstance(raw, dict):
            raise invalid("Invalid type for request body: expected an object.")
        for name, value in raw.items():
            kinds = _PARAMETERS.get(name)
            if kinds is None:
                raise invalid(f"Unrecognized request argument supplied: {name}", name, "unknown_parameter")
            if value is not None and (not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool)):
                raise invalid(f"Invalid type for '{name}'.", name, "invalid_type")
        model = raw.get("model") or call.params.get("deployment")
        if not model:
            raise invalid("you must provide a model parameter")
        if not exists(model, call.settings):
            raise ApiError(404, f"The model `{model}` does not exist or you do not have access to it.",
                           code="model_not_found")  # fmt: skip
        prompts = _prompts(raw.get("prompt"))
        stop = raw.get("stop")
        return Request(
            protocol=self.name,
            model=model,
            turns=tuple(Turn("user", (Text(prompt),)) for prompt in prompts),
            params=Params(
                max_tokens=raw.get("max_tokens") or _USUAL_LENGTH,
                stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
                n=(raw.get("n") or 1) * len(prompts),
                logprobs=raw.get("logprobs") is not None,
                top_logprobs=raw.get("logprobs") or 0,
                temperature=raw.get("temperature"),
            ),
            stream=raw.get("stream") is True,
            raw=raw,
            headers=call.headers,
            session=call.session,
            ordinal=call.ordinal,
        )

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        usage = completion.usage or Usage()
        choices = [
            _choice(index, _said(choice, index, request), request, call, _finish(choice))
            for index, choice in enumerate(completion.choices)
        ]
        body = {**_head(completion, call), "choices": choices, "usage": usage_body(usage)}
        return Reply(200, orjson.dumps(body), _openai.headers(call, usage.prompt))

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterator[Frame]:
        options = request.raw.get("stream_options") or {}
        with_usage = bool(options.get("include_usage"))
        head = {**_head(completion, call), **({"usage": None} if with_usage else {})}

        def frame(choice: dict[str, Any], kind: str, tokens: int = 0) -> Frame:
            return Frame(b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n", kind, tokens)

        for index, choice in enumerate(completion.choices):
            rng = call.seed.rng(f"chunks{index}")
            for text, tokens in chunks(_said(choice, index, request), rng, call.settings.chunk_tokens):
                yield frame(_choice(index, text, request, call, None), "text", tokens)
            yield frame({"index": index, "text": "", "logprobs": None, "finish_reason": _finish(choice)}, "finish")
        if with_usage:
            last = {**head, "choices": [], "usage": usage_body(completion.usage or Usage())}
            yield Frame(b"data: " + orjson.dumps(last) + b"\n\n", "usage")
        yield Frame(self.hints.done, "done")

    def stream_headers(self, request: Request, call: Call) -> Headers:
        return _openai.stream_headers(call)

    def error(self, error: ApiError, call: Call) -> Reply:
        return _openai.error_reply(error, call)

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        return _openai.error_frame(error, call)


def _prompts(given: Any) -> list[str]:
    """The prompts as texts; token ids are shown as their numbers, for there are no tables to decode them."""
    if given is None or isinstance(given, str):
        return [given or "<|endoftext|>"]
    if given and all(type(item) is int for item in given):
        given = [given]
    found = []
    for item in given:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, list) and all(type(token) is int for token in item):
            found.append(" ".join(map(str, item)))
        else:
            raise invalid("Invalid type for 'prompt': expected texts or arrays of tokens.", "prompt", "invalid_type")
    if not found:
        raise invalid("Invalid 'prompt': empty array.", "prompt", "empty_array")
    return found


def _said(choice: Choice, index: int, request: Request) -> str:
    if not request.raw.get("echo"):
        return choice.text
    each = request.params.n // len(request.turns)
    return request.turns[index // each].text + choice.text


def _finish(choice: Choice) -> str:
    return _FINISH.get(choice.finish or "stop", "stop")


def _head(completion: Completion, call: Call) -> dict[str, Any]:
    return {
        "id": call.id("cmpl-", length=29),
        "object": "text_completion",
        "created": call.created,
        "model": completion.model,
        "system_fingerprint": fingerprint(completion.model),
    }


def _choice(index: int, text: str, request: Request, call: Call, finish: str | None) -> dict[str, Any]:
    return {
        "index": index,
        "text": text,
        "logprobs": _logprobs(text, request, call, index) if request.params.logprobs else None,
        "finish_reason": finish,
    }


def _logprobs(text: str, request: Request, call: Call, index: int) -> dict[str, Any]:
    found = token_logprobs(text, request, call, str(index))
    offsets, at = [], 0
    for entry in found:
        offsets.append(at)
        at += len(entry["token"])
    return {
        "tokens": [entry["token"] for entry in found],
        "token_logprobs": [entry["logprob"] for entry in found],
        "top_logprobs": [{one["token"]: one["logprob"] for one in entry["top_logprobs"]} for entry in found],
        "text_offset": offsets,
    }


CODEC = OpenAICompletions()
