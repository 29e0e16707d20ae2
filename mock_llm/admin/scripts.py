"""Rules: replace, append, single steps, and which were never used."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Body

from mock_llm.admin.state import Mock
from mock_llm.script.decode import ScriptError, rules_from_data
from mock_llm.script.model import Rule, Script
from mock_llm.script.steps import response_rule

router = APIRouter(tags=["script"])


def _shown(script: Script) -> dict[str, Any]:
    return {
        "state": script.state,
        "generations": script.generations,
        "rules": [_rule(rule, script) for rule in script.all_rules()],
    }


def _rule(rule: Rule, script: Script) -> dict[str, Any]:
    return {
        "name": rule.name,
        "when": str(rule.when),
        "answers": len(rule.answers),
        "then": rule.then,
        "used": script.used(rule),
        "line": rule.line,
    }


@router.get("/script")
async def common_script(server: Mock) -> dict[str, Any]:
    """The rules that hold for every session, and how often each answered."""
    script = server.script
    rules = [{**_rule(rule, script), "used": script.hits.get(rule, 0)} for rule in script.rules]
    return {"rules": rules}


@router.put("/script")
async def set_common_script(server: Mock, data: Any = Body()) -> dict[str, Any]:
    """Replace the rules that hold for every session."""
    server.script.set(rules_from_data(data))
    return await common_script(server)


@router.post("/script")
async def add_common_rules(server: Mock, data: Any = Body()) -> dict[str, Any]:
    """Append rules for every session."""
    server.script.add(rules_from_data(data))
    return await common_script(server)


@router.get("/sessions/{name}/script")
async def script(server: Mock, name: str) -> dict[str, Any]:
    """A session's rules in the order in which they are tried, its state and its progress."""
    return _shown(server.sessions.get(name).script)


@router.put("/sessions/{name}/script")
async def set_script(server: Mock, name: str, data: Any = Body()) -> dict[str, Any]:
    """Replace a session's rules: `{"rules": [{"when": {...}, "answer": ...}]}`; progress starts anew."""
    found = server.sessions.get(name).script
    found.set(rules_from_data(data))
    return _shown(found)


@router.post("/sessions/{name}/script")
async def add_rules(server: Mock, name: str, data: Any = Body()) -> dict[str, Any]:
    """Append rules to a session's."""
    found = server.sessions.get(name).script
    found.add(rules_from_data(data))
    return _shown(found)


@router.post("/sessions/{name}/responses")
async def set_response(server: Mock, name: str, data: dict[str, Any] = Body()) -> dict[str, Any]:
    """Answer one step of a session: `{"step": 1, "tool_calls": [...]}`, `{"step": 2, "text": "done"}`."""
    step = data.get("step")
    if not isinstance(step, int):
        raise ScriptError("step", "expected the number of the answer in the session, counting from 1")
    rest = {key: value for key, value in data.items() if key != "step"}
    found = server.sessions.get(name).script
    found.set_step(step, response_rule(step, rest))
    return _shown(found)


@router.get("/unused")
async def unused(server: Mock) -> dict[str, Any]:
    """Rules and recorded exchanges that never answered: the server's own, and each session's."""
    sessions = {session.name: server.unused(session.name) for session in server.sessions}
    return {
        "server": [asdict(item) for item in server.unused()],
        "sessions": {name: [asdict(item) for item in items] for name, items in sessions.items() if items},
    }


@router.get("/sessions/{name}/unused")
async def unused_of(server: Mock, name: str) -> dict[str, Any]:
    """A session's rules, and recorded exchanges, that never answered."""
    return {"unused": [asdict(item) for item in server.unused(name)]}
