"""What happened between two looks at a task. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.runner.schemas import TERMINAL, AgentResult


@dataclass
class Steps:
    """Tells each step of one task once.

    A task's state holds how often the model answered and every attempt at a tool, both in order but not against each
    other. A tool is only called because the model answered: of a look that shows both, the calls follow the answer
    that was told last, or else one of the new answers, and the other new answers follow the calls.
    """

    task_id: str
    answers: int = 0
    calls: int = 0
    _answered: bool = False  # the last step that was told is an answer

    def since(self, result: AgentResult) -> list[pb.Step]:
        """The steps since the last look, and the result where the task is over."""
        found: list[pb.Step] = []
        if result.steps_used > self.answers and not self._answered:
            found.append(self._answer())
        for call in result.tool_calls[self.calls :]:
            self.calls += 1
            self._answered = False
            asked = pb.ToolCall(tool=call.tool, attempt=call.attempt)
            said = pb.ToolResult(
                tool=call.tool,
                attempt=call.attempt,
                ok=call.outcome == "ok",
                error=call.error,
                duration_ms=call.duration_ms,
            )
            found += [pb.Step(task_id=self.task_id, tool_call=asked), pb.Step(task_id=self.task_id, tool_result=said)]
        while result.steps_used > self.answers:
            found.append(self._answer())
        if result.status in TERMINAL:
            from reference_agents.grpc_api.wire import result_of

            found.append(pb.Step(task_id=self.task_id, result=result_of(result)))
        return found

    def _answer(self) -> pb.Step:
        self.answers += 1
        self._answered = True
        return pb.Step(task_id=self.task_id, llm_call=pb.LlmCall(number=self.answers))
