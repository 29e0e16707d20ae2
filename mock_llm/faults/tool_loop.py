"""A model that calls the same tool for ever."""

from __future__ import annotations

from dataclasses import dataclass

from mock_llm.completion import Completion, ToolCall
from mock_llm.faults.fault import Fault, Hit, fault
from mock_llm.script.generate import arguments_for


@fault("tool_loop")
@dataclass(frozen=True, slots=True)
class ToolLoop(Fault):
    """Whatever the tools say, call `tool` again with the same arguments (without a name: the last one called).

    Only the client's own limit ends the loop. A request that offers no tool is answered as ever.
    """

    tool: str = ""

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        request = hit.request
        if request is None or not request.tools:
            return completion
        made = [*request.tool_calls()]
        mine = [call for call in made if call.name == self.tool] if self.tool else made
        if mine:
            call = ToolCall(mine[-1].name, mine[-1].arguments, custom=mine[-1].custom)
        else:
            tool = (request.tool(self.tool) if self.tool else None) or request.tools[0]
            call = ToolCall(tool.name, arguments_for(tool, request, hit.seed.rng("loop")), custom=tool.custom)
        return completion.with_blocks(call, finish="tool_calls")
