"""What a registry lists: every definition readable, valid, and fit for a model to use."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts.http.exchange import Caller
from harness.contracts.promises import Promises
from harness.contracts.tools.definition import ToolDefinition, invalid, listed, read
from harness.contracts.tools.lint import lint


@dataclass(frozen=True)
class ToolList:
    """Reads and checks the list behind a registry's `tools` path."""

    caller: Caller
    promises: Promises

    async def check(self, path: str) -> list[ToolDefinition]:
        """Record what is wrong with the list and return the definitions whose schemas can be used."""
        answer = await self.caller.send("GET", path)
        try:
            entries = listed(answer.document)
            problem = "" if answer.code == 200 else answer.outcome
            if not entries and not problem:
                problem = "the list is empty"
        except ValueError as error:
            entries, problem = [], f"{answer.outcome}: {error}"
        self.promises.judge(
            not problem,
            "tools.listed",
            f"GET {path}",
            "the registry lists its tools",
            detail=problem or f"{len(entries)} tools",
            payload=answer.payload(),
            replay=answer.curl(),
            cases=max(len(entries), 1),
        )
        usable: list[ToolDefinition] = []
        for entry in entries:
            try:
                tool = read(entry)
                problems = list(invalid(tool))
                label = tool.label
            except ValueError as error:
                tool, problems = None, [str(error)]
                label = str(entry.get("name", "?")) if isinstance(entry, dict) else "?"
            sound = self.promises.judge(
                not problems,
                "tools.valid",
                label,
                "a tool's schemas are valid JSON Schema",
                detail="; ".join(problems) or "parameters and returns",
                payload=entry,
                fix="correct the schema at the keyword that is named",
            )
            if sound and tool is not None:
                usable.append(tool)
                self._lint(tool)
        return usable

    def _lint(self, tool: ToolDefinition) -> None:
        objections = lint(tool)
        self.promises.judge(
            not objections,
            "tools.lint",
            tool.label,
            "a model can tell from a tool's definition how to call it",
            detail="; ".join(f"{text} ({rule})" for rule, text in objections) or "no objection",
            payload=tool.document(),
            fix="amend the definition; the rules are explained in docs/contracts.md",
        )
