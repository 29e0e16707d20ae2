"""One session as a test sees it: script it, break it, look at what was asked of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from mock_llm.calls import Calls, PriceTable
from mock_llm.faults.plan import FaultPlan, plan_from_data
from mock_llm.journal import Entry
from mock_llm.pacing import Pacing, from_data
from mock_llm.script.answer import Answer
from mock_llm.script.decode import rule_from_data, rules_from_data
from mock_llm.script.model import Rule, Unused
from mock_llm.script.steps import answer_from, response_rule
from mock_llm.server import Server

if TYPE_CHECKING:
    from mock_llm.verdict import Limits, Verdict

T = TypeVar("T")
_SETTLE_S = 2.0  # how long `calls` waits for answers that are still on their way


class Handle:
    """A session of a running server. Methods may be called from any thread."""

    def __init__(
        self, server: Server, name: str, run: Callable[[Callable[[], Any]], Any], url: Callable[[], str]
    ) -> None:
        self.server = server
        self.name = name
        self._on_loop = run
        self._url = url

    # Where clients find it.

    @property
    def base_url(self) -> str:
        """The session's root, for clients that add /v1 themselves (Anthropic, Gemini, Ollama)."""
        root = self._url()
        return root if self.name == "default" else f"{root}/s/{quote(self.name, safe='')}"

    @property
    def openai_base_url(self) -> str:
        """What OPENAI_BASE_URL should be: it ends in /v1."""
        return self.base_url + "/v1"

    @property
    def anthropic_base_url(self) -> str:
        """What ANTHROPIC_BASE_URL should be: it does not."""
        return self.base_url

    def env(self) -> dict[str, str]:
        """Environment variables that lead the official clients here."""
        return {
            "OPENAI_BASE_URL": self.openai_base_url,
            "OPENAI_API_BASE": self.openai_base_url,
            "OPENAI_API_KEY": "mock-key",
            "ANTHROPIC_BASE_URL": self.anthropic_base_url,
            "ANTHROPIC_API_URL": self.anthropic_base_url,
            "ANTHROPIC_API_KEY": "mock-key",
            "GOOGLE_GEMINI_BASE_URL": self.base_url,
            "GEMINI_API_KEY": "mock-key",
            "OLLAMA_HOST": self.base_url,
            "AZURE_OPENAI_ENDPOINT": self.base_url,
            "AZURE_OPENAI_API_KEY": "mock-key",
        }

    # What it answers.

    def rule(
        self,
        when: Any = None,
        answer: Any = None,
        *,
        answers: list[Any] | None = None,
        name: str = "",
        then: str = "repeat",
        times: int | None = None,
        **conditions: Any,
    ) -> Rule:
        """Add a rule behind those there are; the first that matches answers.

        when: conditions as data, a text, a matcher or a predicate; `conditions` are the same as keywords
        (`text=`, `tool=`, `tool_result=`, `model=`, `turn=` ...). answer: a text, a mapping, a callable, or
        `answers` for a sequence. Raises ScriptError.
        """
        data: dict[str, Any] = {"name": name or f"rule {len(self._session.script.rules) + 1}", "then": then}
        if conditions and when is not None:
            from mock_llm.script.when import when_from_data

            data["when"] = when_from_data(when) & when_from_data(conditions)
        elif when is not None or conditions:
            data["when"] = when if when is not None else conditions
        if times is not None:
            data["times"] = times
        data.update({"answers": answers} if answers is not None else {"answer": answer})
        made = rule_from_data(data, data["name"])
        self._on_loop(lambda: self._session.script.add([made]))
        return made

    def set_response(self, text: Any = None, *, step: int | None = None, **words: Any) -> Rule:
        """Answer the `step`-th generation of the session (from 1); without a step, every one not yet scripted.

        words: `text`, `tool` with `arguments`, `tool_calls`, `refusal`, `thinking`, `error` or `status`, `usage`,
        `finish`, `delay`, `pacing`. Raises ScriptError.
        """
        words = {"text": text, **words} if text is not None else words
        if step is None:
            made = Rule("always", answers=(answer_from(words, "set_response"),))
            self._on_loop(lambda: self._session.script.add([made]))
            return made
        made = response_rule(step, words)
        self._on_loop(lambda: self._session.script.set_step(step, made))
        return made

    def script(self, rules: Any) -> None:
        """Replace the session's rules by these, as data or Rules."""
        made = rules_from_data(rules)
        self._on_loop(lambda: self._session.script.set(made))

    def load(self, script: str | Path | list[Any] | Mapping[str, Any]) -> None:
        """Replace the session's rules by a YAML file's (with its faults and pacing) or by data."""
        if not isinstance(script, str | Path):
            self.script(script)
            return
        from mock_llm.script.yaml_file import read_script

        file = read_script(Path(script))
        self.script(file.rules)
        if file.faults is not None:
            self.faults(file.faults)
        if file.pacing is not None:
            self.pacing(**file.pacing)

    def faults(self, plan: Any) -> None:
        """Replace the session's fault plan: a list of entries, or nothing."""
        made = plan_from_data(plan or [], self.server.clock.now(self.name))
        self._on_loop(lambda: setattr(self._session, "faults", made))

    def pacing(self, kind: str | Pacing | None = "constant", **params: Any) -> None:
        """How time passes in the session: a kind with its parameters, a Pacing, or None for at once."""
        made = from_data({"kind": kind, **params}) if isinstance(kind, str) else kind
        self._on_loop(lambda: setattr(self._session, "pacing", made))

    def reset(self) -> None:
        """Forget rules, faults, pacing, progress and calls of the session."""

        def forget() -> None:
            self.server.sessions.drop(self.name)
            self.server.faults.reset(self.name)
            self.server.journal.clear(self.name)

        self._on_loop(forget)

    def restart(self, faults: FaultPlan | None) -> None:
        """Start the session anew under another fault plan: same rules and pacing, no progress, no calls."""

        def begin() -> None:
            self._session.faults = faults
            self._session.reset()
            self.server.faults.reset(self.name)
            self.server.journal.clear(self.name)

        self._on_loop(begin)

    def rewinder(self) -> Callable[[], None]:
        """A function that starts the session anew as it is set up now: rules, faults, pacing; no progress, no calls.

        For a test that is run several times: `windtunnel.repeat` does it.
        """
        back: Callable[[], None] = self._on_loop(lambda: self._session.rewinder())

        def rewind() -> None:
            back()
            self.server.faults.reset(self.name)
            self.server.journal.clear(self.name)

        return lambda: self._on_loop(rewind)

    # What was asked of it.

    @property
    def calls(self) -> Calls:
        """Every request of the session so far with its answer; waits until none is being answered."""
        deadline = time.monotonic() + _SETTLE_S
        while self._session.open and time.monotonic() < deadline:
            self._settle()
        entries: list[Entry] = self._on_loop(lambda: list(self.server.journal.since(0, self.name)))
        return Calls(entries)

    def _settle(self) -> None:
        import threading

        threading.Event().wait(0.002)

    def assert_called(self, *, times: int | None = None, **where: Any) -> Calls:
        """See Calls.assert_called."""
        return self.calls.assert_called(times=times, **where)

    def unused(self) -> list[Unused]:
        """Rules of the session that never answered, and recorded exchanges where it replays."""
        found: list[Unused] = self._on_loop(lambda: self.server.unused(self.name))
        return found

    def assert_all_rules_used(self) -> None:
        """Raises AssertionError that names each rule, and each recorded exchange, that never answered."""
        unused = self.unused()
        if unused:
            lines = [f"  {rule.name!r}: {rule.when}" for rule in unused]
            raise AssertionError("rules that never answered:\n" + "\n".join(lines))

    def cost(self, prices: PriceTable | None = None) -> float:
        """Total price of the session's tokens in US dollars."""
        return self.calls.cost(prices)

    def verdict(self, limits: Limits | None = None, *, timed: bool | None = None) -> Verdict:
        """What the session's journal says of the client: see docs/mock-llm/verdict.md.

        timed: whether to judge waits between attempts. As a rule by real time only: by virtual time a client's
        own sleep does not show, unless it is done by `mock.clock.advance`.
        """
        from mock_llm.verdict import judge

        entries = [call.entry for call in self.calls]
        return judge(entries, limits, timed=not self.server.clock.virtual if timed is None else timed)

    def assert_resilient(
        self, limits: Limits | None = None, *, timed: bool | None = None, ignore: Iterable[str] = ()
    ) -> Verdict:
        """Raises AssertionError with every finding and its requests; `ignore` names rules that may be broken.

        Also raises when nothing was asked: no evidence is no proof. ValueError for an unknown rule.
        """
        from mock_llm.verdict import RULES

        found = self.verdict(limits, timed=timed)
        ignored = set(ignore)
        if unknown := ignored - set(RULES):
            raise ValueError(f"no such rule: {', '.join(sorted(unknown))}; there are {', '.join(sorted(RULES))}")
        left = [finding for finding in found.findings if finding.rule not in ignored]
        if not found.requests:
            raise AssertionError("the client asked nothing: there is no evidence that it is resilient")
        if left:
            lines = "\n".join(f"  {finding}" for finding in left)
            raise AssertionError(f"the client is not resilient:\n{lines}\nthe calls were:\n{self.calls!r}")
        return found

    def now(self) -> float:
        """Epoch seconds by the session's clock; under virtual time, with all that its requests waited."""
        return self.server.clock.now(self.name)

    @property
    def _session(self) -> Any:
        return self.server.sessions.get(self.name)


def set_environment(handle: Handle, setenv: Callable[[str, str], object] | None = None) -> None:
    """Point the official clients of this process at a session."""
    for name, value in handle.env().items():
        if setenv is None:
            os.environ[name] = value
        else:
            setenv(name, value)


__all__ = ["Answer", "Handle", "set_environment"]
