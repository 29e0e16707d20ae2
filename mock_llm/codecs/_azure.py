"""What Azure OpenAI says differently: errors of the gateway in front of the models, and of its content filter.

Errors of the models themselves (a prompt that is too long, a wrong parameter) read as OpenAI's.
"""

from __future__ import annotations

from typing import Any

from mock_llm.codecs.protocol import ApiError, Call

_GATEWAY: dict[int, tuple[str, str]] = {  # status -> code, message
    401: (
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource.",
    ),
    403: ("403", "Access denied due to Virtual Network/Firewall rules."),
    404: ("404", "Resource not found"),
    408: ("Timeout", "The operation was timeout."),
    429: (
        "429",
        "Requests to the {operation} Operation under Azure OpenAI API version {version} have exceeded call rate limit "
        "of your current OpenAI S0 pricing tier. Please retry after {seconds:.0f} seconds.",
    ),
    500: ("InternalServerError", "Backend returned unexpected response. Please contact Microsoft for help."),
    503: ("ServiceUnavailable", "The service is temporarily unable to process your request. Please try again later."),
}
_OPERATIONS = {
    "/chat/completions": "ChatCompletions_Create",
    "/completions": "Completions_Create",
    "/embeddings": "Embeddings_Create",
    "/responses": "Responses_Create",
}
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again."
)
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
_CATEGORIES = ("hate", "self_harm", "sexual", "violence")


def asked(call: Call) -> bool:
    """Whether the request came on one of Azure's paths."""
    return call.path.startswith("/openai/")


def error_body(error: ApiError, call: Call) -> dict[str, Any] | None:
    """The object under "error"; None where Azure hands OpenAI's through."""
    if error.code == "content_filter":
        return _filtered(error)
    found = _GATEWAY.get(error.status)
    if found is None:
        return None
    code, text = found
    if error.status == 404 and "/deployments/" in call.path:
        code, text = "DeploymentNotFound", _NO_DEPLOYMENT
    operation = next((name for tail, name in _OPERATIONS.items() if call.path.endswith(tail)), "OpenAI")
    version = (call.query.get("api-version") or ["v1"])[0]
    said = text.format(operation=operation, version=version, seconds=error.retry_after or 1)
    return {"code": error.code or code, "message": error.message or said}


def _filtered(error: ApiError) -> dict[str, Any]:
    """A prompt that Azure's filter did not let through."""
    result: dict[str, Any] = {name: {"filtered": False, "severity": "safe"} for name in _CATEGORIES}
    result["violence"] = {"filtered": True, "severity": "medium"}
    result["jailbreak"] = {"filtered": False, "detected": False}
    return {
        "message": error.message or _FILTERED,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": error.status,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result},
    }
