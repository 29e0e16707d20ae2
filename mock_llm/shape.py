"""Finishing an answer the way every provider does: n, stop sequences, length, ids, usage, finish reasons."""

from __future__ import annotations

from dataclasses import replace

from mock_llm.codecs.protocol import Call, Codec
from mock_llm.completion import DEFAULT, Block, Choice, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage
from mock_llm.tokens import completion_tokens, count, pieces, prompt_tokens


def finish(completion: Completion, request: Request, call: Call, codec: Codec) -> Completion:
    """The completion as codecs expect it: n choices, cut at stop sequence and max_tokens, complete usage."""
    params = request.params
    choices = completion.choices
    if params is DEFAULT and len(choices) == 1 and completion.usage is None:
        first = choices[0]
        if len(first.blocks) == 1 and type(first.blocks[0]) is Text:
            # By far the most common answer: one text, nothing to cut.
            usage = Usage(prompt_tokens(request), count(first.blocks[0].text) or 1)
            made = first if first.finish else Choice(first.blocks, "stop")
            return Completion((made,), usage, completion.model or request.model, completion.stop_sequence)
    if len(choices) != params.n:
        choices = (*choices[: params.n], *(choices[-1:] * (params.n - len(choices))))
    stopped: str | None = completion.stop_sequence
    done: list[Choice] = []
    for index, choice in enumerate(choices):
        blocks, ended = choice.blocks, choice.finish
        if params.stop:
            blocks, hit = _stop(blocks, params.stop)
            if hit is not None:
                stopped = stopped or hit
                ended = ended or "stop"
        if params.max_tokens is not None:
            blocks, cut = _limit(blocks, params.max_tokens)
            ended = "length" if cut else ended
        calls = False
        for block in blocks:
            if isinstance(block, ToolCall):
                calls = True
                if not block.id:
                    blocks = _with_ids(blocks, call, codec, index)
                    break
        done.append(Choice(blocks, ended or ("tool_calls" if calls else "stop")))
    shaped = Completion(tuple(done), completion.usage, completion.model or request.model, stopped)
    if shaped.usage is None:
        thought = sum(count(b.text) for c in done for b in c.blocks if isinstance(b, Thinking))
        usage = Usage(prompt_tokens(request), completion_tokens(shaped), reasoning=thought)
        shaped = replace(shaped, usage=usage)
    return shaped


def _with_ids(blocks: tuple[Block, ...], call: Call, codec: Codec, choice: int) -> tuple[Block, ...]:
    prefix = codec.hints.tool_id_prefix
    return tuple(
        replace(block, id=call.id(prefix, f"{choice}.{i}")) if isinstance(block, ToolCall) and not block.id else block
        for i, block in enumerate(blocks)
    )


def _stop(blocks: tuple[Block, ...], stops: tuple[str, ...]) -> tuple[tuple[Block, ...], str | None]:
    for i, block in enumerate(blocks):
        if isinstance(block, Text):
            at, hit = min(((found, s) for s in stops if s and (found := block.text.find(s)) >= 0), default=(-1, None))
            if hit is not None:
                return (*blocks[:i], Text(block.text[:at])), hit
    return blocks, None


def _limit(blocks: tuple[Block, ...], most: int) -> tuple[tuple[Block, ...], bool]:
    left = most
    kept: list[Block] = []
    for block in blocks:
        text = block.arguments if isinstance(block, ToolCall) else getattr(block, "text", "")
        parts = pieces(text)
        if len(parts) <= left:
            left -= len(parts)
            kept.append(block)
            continue
        short = "".join(parts[:left])
        if isinstance(block, ToolCall):
            kept.append(replace(block, arguments=short))
        elif isinstance(block, Text | Thinking | Refusal):
            kept.append(replace(block, text=short))
        return tuple(kept), True
    return tuple(kept), False
