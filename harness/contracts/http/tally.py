"""What Schemathesis recorded, as one Check for each operation and check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from harness.contracts.http.declared import Declared
from harness.core.events import Check

SHOWN = 2_000  # characters of a body that evidence keeps

FIXES = {
    "not_a_server_error": "handle this input; an answer of 5xx means that the service did not expect it",
    "status_code_conformance": "declare this status code for the operation, or answer with a declared one "
    "(FastAPI: `responses={400: ...}` for bodies that do not parse)",
    "content_type_conformance": "answer with a declared media type, or declare this one",
    "response_schema_conformance": "answer what the description says, or describe what is answered",
    "response_headers_conformance": "send the declared headers in the declared form",
    "negative_data_rejection": "refuse what the description forbids with 4xx (pydantic: `extra='forbid'`, "
    "strict types)",
    "positive_data_acceptance": "accept what the description allows, or narrow the description",
    "missing_required_header": "refuse a request without a required header with 4xx",
    "unsupported_method": "answer 405 for methods that are not declared",
    "allow_header_conformance": "list every method of the path in `Allow` with a 405 (RFC 9110, 15.5.6)",
    "use_after_free": "answer 404 for what was deleted",
    "ensure_resource_availability": "make what was created readable at once",
    "ignored_auth": "refuse requests without or with wrong credentials with 401",
    "answers": "answer every request: a connection closed or kept waiting is neither success nor error",
}

TITLES = {
    "not_a_server_error": "no input makes the server fail",
    "status_code_conformance": "every status code is declared",
    "content_type_conformance": "every media type is declared",
    "response_schema_conformance": "every answer is as described",
    "response_headers_conformance": "every header is as described",
    "negative_data_rejection": "what the description forbids is refused",
    "positive_data_acceptance": "what the description allows is accepted",
    "missing_required_header": "a missing required header is refused",
    "unsupported_method": "undeclared methods are refused with 405",
    "allow_header_conformance": "a 405 lists what is allowed",
    "use_after_free": "what was deleted is gone",
    "ensure_resource_availability": "what was created is there",
    "ignored_auth": "declared authentication is enforced",
    "answers": "every request is answered",
}

REFUSED = re.compile(r"refused|ECONNREFUSED|NewConnectionError", re.IGNORECASE)


@dataclass
class _Row:
    """One operation × check: how many examples, and the first that failed."""

    cases: int = 0
    failed: int = 0
    detail: str = ""
    replay: str = ""
    payload: dict[str, JsonValue] | None = None


# The engine fails these on a rule of its own; without the promise in the description there is nothing to fail.
ONLY_IF_PROMISED = frozenset({"use_after_free"})


@dataclass
class Tally:
    """Counts what the engine recorded. `secret` headers never reach the evidence."""

    declared: Declared
    secret: Mapping[str, str] = field(default_factory=dict)
    cases: int = 0
    _rows: dict[tuple[str, str], _Row] = field(default_factory=dict)
    _errors: list[Check] = field(default_factory=list)

    def add(self, recorder: Any) -> None:
        """Count one scenario of the engine (a ScenarioRecorder)."""
        self.cases += len(recorder.cases)
        for case_id, nodes in recorder.checks.items():
            operation = recorder.cases[case_id].value.operation.label
            for node in nodes:
                promised = node.failure_info is not None and node.name not in ONLY_IF_PROMISED
                if not promised and not self.declared.applies(node.name, operation):
                    continue
                row = self._rows.setdefault((operation, node.name), _Row())
                row.cases += 1
                if node.failure_info is None:
                    continue
                row.failed += 1
                shown = self._shown(recorder, case_id, node.failure_info)
                # The engine shrinks after it has found a failure: the shortest request is the clearest.
                if row.payload is None or len(shown.replay) < len(row.replay):
                    row.detail, row.replay, row.payload = shown.detail, shown.replay, shown.payload

    def error(self, label: str, title: str, message: str, error: Exception) -> None:
        """Keep an error that was no answer: the network, or a description that cannot be used."""
        text = self._hidden(f"{title}: {message}".strip())
        network = type(error).__module__.startswith(("requests", "urllib3")) or "timed out" in text.lower()
        refused = bool(REFUSED.search(text))
        self._errors.append(
            Check(
                check="openapi.answers" if network else "openapi.usable",
                subject=label,
                title=TITLES["answers"] if network else "the description can be used to generate requests",
                outcome="infra" if refused else "fail",
                detail=text[:SHOWN],
                fix="the service is gone: see its log" if refused else FIXES["answers"] if network else "",
            )
        )

    def checks(self) -> Iterator[Check]:
        """One Check an operation and check, in their order, errors last."""
        for (operation, name), row in sorted(self._rows.items()):
            yield Check(
                check=f"openapi.{name}",
                subject=operation,
                title=TITLES.get(name, name.replace("_", " ")),
                outcome="fail" if row.failed else "pass",
                detail=f"{row.failed} of {row.cases} examples: {row.detail}" if row.failed else f"{row.cases} examples",
                payload=row.payload,
                fix=FIXES.get(name, "") if row.failed else "",
                replay=row.replay,
                cases=row.cases,
            )
        yield from self._errors

    def _shown(self, recorder: Any, case_id: str, info: Any) -> _Row:
        failure = info.failure
        interaction = recorder.interactions.get(failure.case_id or case_id)
        payload: dict[str, JsonValue] | None = None
        if interaction is not None:
            request, response = interaction.request, interaction.response
            payload = {
                "request": {
                    "method": request.method,
                    "url": request.uri,
                    "headers": {name: self._hidden(", ".join(values)) for name, values in request.headers.items()},
                    "body": _text(request.body),
                },
                "response": None
                if response is None
                else {
                    "status": response.status_code,
                    "headers": {name: ", ".join(values) for name, values in response.headers.items()},
                    "body": _text(response.content),
                },
            }
        steps = " && ".join(step.curl for step in info.steps) if len(info.steps) > 1 else info.code_sample
        return _Row(
            detail=self._hidden(" ".join(f"{failure.title}. {failure.message}".split()))[:SHOWN],
            replay=self._hidden(steps)[: 4 * SHOWN],
            payload=payload,
        )

    def _hidden(self, text: str) -> str:
        for name, value in self.secret.items():
            variable = "$" + name.upper().replace("-", "_")
            text = text.replace(f"'{name}: {value}'", f'"{name}: {variable}"').replace(value, variable)
        return text


def _text(content: bytes | None) -> str:
    text = (content or b"").decode("utf-8", errors="backslashreplace")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(content or b'')} bytes)"
