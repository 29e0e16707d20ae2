"""The registry as a gate: what a schema allows gets through, what it forbids never reaches the tool."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema_rs
from pydantic import JsonValue

from harness.contracts.http.exchange import Caller, Exchange
from harness.contracts.promises import Promises
from harness.contracts.tools.definition import ToolDefinition
from harness.contracts.tools.generate import arguments
from harness.contracts.tools.variations import declared, variations
from harness.core.config import Service
from harness.core.errors import InfraError
from harness.core.seed import Seed
from harness.targets.fields import fill, pick

LIMITED = 429
ABSENT = (403, 404, 409, 410)  # what was named is not there, or not now: no schema can say that
Called = tuple[str, JsonValue, Exchange]
"""What a call's arguments are, the arguments, and how it went."""
RESULT_FIELDS = ("result", "output", "data")


class Ledgers:
    """How many effects the tools' ledgers show: the independent witness of what reached a tool."""

    def __init__(
        self, http: httpx.AsyncClient, urls: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> None:
        self._http = http
        self._headers = dict(headers or {})
        self.urls = urls

    async def effects(self, tool: str) -> int:
        """Entries of `tool` over all ledgers. Raises InfraError when one cannot be read."""
        count = 0
        for service, url in self.urls.items():
            try:
                response = await self._http.get(url, headers=self._headers)
                response.raise_for_status()
                entries = response.json()["entries"]
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise InfraError(f"the ledger of {service} at {url} cannot be read: {error}") from None
            count += sum(1 for entry in entries if entry.get("tool") in (tool, None, ""))
        return count


@dataclass(frozen=True)
class ToolCalls:
    """Calls every tool through its registry with generated arguments.

    Nothing else may call the tools meanwhile: the ledgers are compared before and after.
    """

    caller: Caller
    promises: Promises
    spec: Service
    ledgers: Ledgers
    seed: Seed
    count: int
    unique: str

    async def check(self, tool: ToolDefinition) -> None:
        """Valid arguments are accepted and reach the tool; invalid ones are refused before it."""
        if self.spec.tool_call is None:
            self.promises.not_applicable(f"calling {tool.label}: no `tool_call` route is declared")
            return
        number = self.seed.derive(tool.label).number()
        good = await asyncio.to_thread(arguments, tool.parameters, valid=True, count=self.count, number=number)
        bad = await asyncio.to_thread(arguments, tool.parameters, valid=False, count=self.count, number=number)
        before = await self.ledgers.effects(tool.name)
        answers = await self._positive(tool, good)
        reached = await self.ledgers.effects(tool.name) - before
        self._results(tool, answers)
        if good:
            await self._stranger(tool, declared(tool.parameters) or good[0], witnessed=reached > 0)
        await self._negative(tool, bad, witnessed=reached > 0)

    async def _positive(self, tool: ToolDefinition, good: list[JsonValue]) -> list[Exchange]:
        """The calls that were accepted: of `good`, of the schema's own example, of the changes to one that works."""
        own = declared(tool.parameters)
        made: list[Called] = [
            ("allowed arguments", value, await self._call(tool, value, f"good-{n}")) for n, value in enumerate(good)
        ]
        kept: list[Called] = []
        if own is not None:
            kept.append(("its own example", own, await self._call(tool, own, "example")))
        works = next((value for _, value, answer in kept + made if _ok(answer)), None)
        changes = [] if works is None else variations(tool.parameters, works)
        kept += [(what, value, await self._call(tool, value, f"change-{n}")) for n, (what, value) in enumerate(changes)]
        every = [row for row in made + kept if row[2].code != LIMITED]
        accepted = [answer for _, _, answer in every if _ok(answer)]
        if not every:
            self._nothing("tools.accepts", tool, f"{len(made)} calls, all refused by a rate limit")
            return []
        wrong = [(what, answer) for what, _, answer in made if answer.code is None or answer.code >= 500]
        excused = (LIMITED, *ABSENT)
        wrong += [(what, answer) for what, _, answer in kept if not _ok(answer) and answer.code not in excused]
        if not accepted and not wrong:
            self._nothing(
                "tools.accepts", tool, f"all of {len(every)} calls were refused: none of what was made up is there",
                fix="give the schema `examples` of arguments that work",
            )  # fmt: skip
            return []
        which, first = wrong[0] if wrong else ("", accepted[0])
        refused = len(every) - len(accepted) - len(wrong)
        self.promises.judge(
            not wrong,
            "tools.accepts",
            tool.label,
            "what the schema promises to take is accepted",
            detail=f"{len(accepted)} of {len(every)} accepted"
            + (f", {refused} refused as it may (not there, does not run)" if refused else "")
            + (f"; {first.outcome} for {which}: {first.content.decode()[:200]}" if wrong else ""),
            payload=first.payload() if wrong else None,
            replay=first.curl() if wrong else "",
            fix="narrow the schema to what the tool can do, or make the tool do what its schema allows",
            cases=len(every),
        )
        return accepted

    async def _negative(self, tool: ToolDefinition, bad: list[JsonValue], *, witnessed: bool) -> None:
        if not bad:
            self.promises.not_applicable(f"refusals of {tool.label}: its schema forbids nothing")
            return
        before = await self.ledgers.effects(tool.name)
        answers = [await self._call(tool, value, f"bad-{n}") for n, value in enumerate(bad)]
        reached = await self.ledgers.effects(tool.name) - before
        judged = [answer for answer in answers if answer.code != LIMITED]
        taken = [answer for answer in judged if answer.code is None or not 400 <= answer.code < 500]
        if not judged:
            self._nothing("tools.refuses", tool, f"{len(answers)} calls, all refused by a rate limit")
            return
        first = taken[0] if taken else judged[0]
        self.promises.judge(
            not taken,
            "tools.refuses",
            tool.label,
            "every argument that the schema forbids is refused with 4xx",
            detail=f"{len(judged) - len(taken)} of {len(judged)} refused"
            + (f"; {first.outcome} for {first.content.decode()[:200]}" if taken else ""),
            payload=first.payload() if taken else None,
            replay=first.curl() if taken else "",
            fix="validate arguments in the registry against the tool's schema before forwarding",
            cases=len(judged),
        )
        if not self.ledgers.urls:
            self.promises.not_applicable(f"effects of {tool.label}: no tool declares a ledger")
        elif not witnessed and not reached:
            self._nothing("tools.gate", tool, "not even valid calls showed in a ledger: it witnesses nothing")
        else:
            self.promises.judge(
                reached == 0,
                "tools.gate",
                tool.label,
                "no forbidden argument reaches the tool",
                detail=f"{reached} effects in the ledgers after {len(judged)} forbidden calls",
                payload=first.payload(),
                replay=first.curl(),
                fix="refuse before the tool is called, not after it answered",
                cases=len(judged),
            )

    async def _stranger(self, tool: ToolDefinition, value: JsonValue, *, witnessed: bool) -> None:
        """A caller that the registry does not know asks for what the known one may have."""
        if not self.spec.tool_call_headers:
            self.promises.not_applicable(f"access to {tool.label}: no `tool_call_headers` name a caller")
            return
        before = await self.ledgers.effects(tool.name)
        nobody = dict.fromkeys(self.spec.tool_call_headers, f"nobody-{self.unique}")
        answer = await self._call(tool, value, "stranger", nobody)
        reached = await self.ledgers.effects(tool.name) - before
        seen = f", and {reached} effects in the ledgers" if witnessed else ""
        self.promises.judge(
            answer.code in (401, 403) and not reached,
            "tools.access",
            tool.label,
            "a caller that is not on the list is refused with 401 or 403",
            detail=answer.outcome + seen,
            payload=answer.payload(),
            replay=answer.curl(),
            fix="ask the access list before anything else, and let who is not on it have nothing",
        )

    def _results(self, tool: ToolDefinition, answers: list[Exchange]) -> None:
        if tool.returns is None:
            self.promises.not_applicable(f"results of {tool.label}: no schema of its result is declared")
            return
        if not answers:
            return
        validator = jsonschema_rs.validator_for(dict(tool.returns))
        wrong = [answer for answer in answers if not _fits(validator, answer.document)]
        first = wrong[0] if wrong else answers[0]
        self.promises.judge(
            not wrong,
            "tools.returns",
            tool.label,
            "every result is as the tool's schema says",
            detail=f"{len(answers) - len(wrong)} of {len(answers)} results fit"
            + (f"; {_problem(validator, first.document)}" if wrong else ""),
            payload=first.payload() if wrong else None,
            replay=first.curl() if wrong else "",
            fix="validate results in the registry before passing them on",
            cases=len(answers),
        )

    async def _call(
        self, tool: ToolDefinition, value: JsonValue, key: str, identity: Mapping[str, str] | None = None
    ) -> Exchange:
        method, _, path = (self.spec.tool_call or "").partition(" ")
        path = path.replace("{name}", tool.name).replace("{version}", tool.version)
        body = _with_arguments(fill(self.spec.tool_call_body, {"name": tool.name, "version": tool.version}), value)
        headers = {
            "Idempotency-Key": f"contract-{self.unique}-{tool.name}-{key}",
            "X-Request-Id": f"contract-{self.unique}-{key}",
            **(self.spec.tool_call_headers if identity is None else identity),
        }
        return await self.caller.send(method, path, body=body, headers=headers)

    def _nothing(
        self, check: str, tool: ToolDefinition, detail: str,
        fix: str = "raise the rate limit of the harness' agent, or check the ledger",
    ) -> None:  # fmt: skip
        self.promises.undecided(
            check,
            tool.label,
            "generated arguments are tried on the tool",
            detail=detail,
            fix=fix,
        )


def _ok(answer: Exchange) -> bool:
    return answer.code is not None and 200 <= answer.code < 300


def _with_arguments(template: Any, value: JsonValue) -> Any:
    """`template` with the string `{arguments}` replaced by `value` itself, not by its text."""
    if template == "{arguments}":
        return value
    if isinstance(template, dict):
        return {key: _with_arguments(item, value) for key, item in template.items()}
    if isinstance(template, list | tuple):
        return [_with_arguments(item, value) for item in template]
    return template


def _fits(validator: Any, document: JsonValue) -> bool:
    return any(validator.is_valid(candidate) for candidate in _candidates(document))


def _problem(validator: Any, document: JsonValue) -> str:
    candidate = next(iter(_candidates(document)))
    error = next(iter(validator.iter_errors(candidate)), None)
    return "" if error is None else " ".join(str(error).split())[:300]


def _candidates(document: JsonValue) -> list[JsonValue]:
    """The result of a call, which a registry may wrap in an envelope; the envelope itself comes last."""
    inner = [pick(document, name) for name in RESULT_FIELDS]
    return [value for value in inner if value is not None] + [document]
