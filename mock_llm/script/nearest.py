"""Strict mode's error: the nearest rule, what differed, and a rule to paste."""

from __future__ import annotations

from mock_llm.codecs.protocol import ApiError
from mock_llm.script.matchers import All, Scene
from mock_llm.script.model import Rule, Script


def unmatched(script: Script, scene: Scene) -> ApiError:
    """The error for a request that no rule matches. It is a 400, so that no client retries it."""
    lines = [f"mock-llm: no rule matches request {scene.request.ordinal} of session {scene.request.session!r}."]
    near = nearest(script, scene)
    if near is not None:
        rule, misses = near
        place = f" (line {rule.line})" if rule.line is not None else ""
        lines.append(f"Nearest rule: {rule.name!r}{place}; what differed:")
        lines.extend(f"  - {miss}" for miss in misses)
    else:
        lines.append("There are no rules.")
    lines.append("A rule that would match:")
    lines.extend("  " + line for line in paste(scene).splitlines())
    return ApiError(400, "\n".join(lines), code="mock_unmatched")


def nearest(script: Script, scene: Scene) -> tuple[Rule, list[str]] | None:
    """The rule with the fewest conditions missed (in proportion to those it has), and what it missed."""
    best: tuple[float, Rule, list[str]] | None = None
    for rule in script.all_rules():
        misses = rule.when.misses(scene)
        if not misses:
            spent = "it is used up" if rule.most is not None else "its step is another one"
            misses = [f"{spent}: it has answered {script.used(rule)} times"]
        parts = len(rule.when.parts) if isinstance(rule.when, All) and rule.when.parts else 1
        score = len(misses) / parts
        if best is None or score < best[0]:
            best = (score, rule, misses)
    return (best[1], best[2]) if best is not None else None


def paste(scene: Scene) -> str:
    """A rule in YAML that matches this request and hardly any other."""
    request = scene.request
    fresh = request.fresh_results()
    if fresh:
        when = f"tool_result: {_quoted(fresh[-1].name)}" if fresh[-1].name else "tool_result: true"
    else:
        when = f"text: {_quoted(' '.join(request.newest_user.split())[:60])}"
    lines = ["- name: new rule", f"  when: {{{when}, turn: {request.step}}}"]
    if request.tools and not fresh:
        lines.append(f"  answer: {{tool_calls: [{{name: {request.tools[0].name}, arguments: generate}}]}}")
    else:
        lines.append('  answer: "..."')
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
