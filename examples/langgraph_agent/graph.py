"""The agent as a graph: the model speaks, its tool calls are carried out, it speaks again."""

from __future__ import annotations

import itertools
import time
from typing import Annotated, Any

from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import Field

OrderId = Annotated[str, Field(pattern=r"^[A-Z]-\d{1,9}$", description="The order, such as A-1042")]


class Till:
    """Where the money is: refunds an order once, whoever asks."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._refunded: set[str] = set()

    def refund(self, order_id: str) -> str:
        if order_id in self._refunded:
            return f"order {order_id} was refunded before; nothing was done"
        self._refunded.add(order_id)
        line = {"seq": next(self._numbers), "at": time.time(), "tool": "refund_order", "outcome": "ok"}
        self.entries.append({**line, "idempotency_key": order_id})
        return f"order {order_id} is refunded"


def _wanted(state: MessagesState) -> list[ToolCall]:
    """The tools that the model's last message asks for."""
    last = state["messages"][-1]
    return last.tool_calls if isinstance(last, AIMessage) else []


def build_graph(till: Till, model_name: str) -> Any:
    """The compiled graph. Its checkpointer remembers each thread's messages, in memory."""

    @tool
    def refund_order(order_id: OrderId) -> str:
        """Refund an order in full."""
        return till.refund(order_id)

    tools = {refund_order.name: refund_order}
    model = ChatOpenAI(model=model_name, max_retries=2, timeout=30).bind_tools(list(tools.values()))

    async def speak(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    async def act(state: MessagesState) -> dict[str, Any]:
        results = []
        for call in _wanted(state):
            try:
                text = str(await tools[call["name"]].ainvoke(call["args"]))
            except (KeyError, ValueError) as error:  # the model may correct itself
                text = f"error: {error}"
            results.append(ToolMessage(text, tool_call_id=call["id"]))
        return {"messages": results}

    def after_speaking(state: MessagesState) -> str:
        return "act" if _wanted(state) else END

    graph = StateGraph(MessagesState)
    graph.add_node("speak", speak)
    graph.add_node("act", act)
    graph.add_edge(START, "speak")
    graph.add_conditional_edges("speak", after_speaking, ["act", END])
    graph.add_edge("act", "speak")
    return graph.compile(checkpointer=InMemorySaver())
