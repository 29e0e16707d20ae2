import copy
from typing import Any

from harness.contracts.compat.changes import Change, Kind, advice
from harness.contracts.compat.openapi import diff_openapi
from harness.contracts.compat.tools import diff_tools, version_key
from harness.contracts.tools.definition import ToolDefinition

API: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/tasks": {
            "post": {
                "parameters": [{"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}},
                },
                "responses": {
                    "202": {
                        "description": "taken",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Result"}}},
                    }
                },
            }
        },
        "/health": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
    "components": {
        "schemas": {
            "Task": {
                "type": "object",
                "properties": {"prompt": {"type": "string", "maxLength": 100}, "steps": {"type": "integer"}},
                "required": ["prompt"],
            },
            "Result": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "status": {"enum": ["pending", "done"]}},
                "required": ["id", "status"],
            },
        }
    },
}


def after(edit: Any) -> list[Change]:
    new = copy.deepcopy(API)
    edit(new)
    return diff_openapi(API, new)


def breaking(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.subject, change.where) for change in changes if change.kind is Kind.BREAKING]


def test_the_same_description_has_no_changes() -> None:
    assert diff_openapi(API, copy.deepcopy(API)) == []
    assert advice([]) == "none"


def test_a_removed_operation_breaks() -> None:
    changes = after(lambda new: new["paths"].pop("/health"))
    assert breaking(changes) == [("GET /health", "operation")]
    assert changes[0].witness == {"method": "GET", "path": "/health"}


def test_a_narrowed_request_breaks_and_shows_a_body() -> None:
    changes = after(lambda new: new["components"]["schemas"]["Task"]["properties"]["prompt"].update(maxLength=50))
    assert breaking(changes) == [("POST /tasks", "body application/json")]
    witness = changes[0].witness
    assert isinstance(witness, dict)
    assert 50 < len(witness["prompt"]) <= 100


def test_a_new_value_in_an_answer_breaks_readers() -> None:
    changes = after(lambda new: new["components"]["schemas"]["Result"]["properties"]["status"]["enum"].append("parked"))
    assert breaking(changes) == [("POST /tasks", "response 202 application/json")]
    assert isinstance(changes[0].witness, dict)
    assert changes[0].witness["status"] == "parked"


def test_a_field_that_answers_may_lack_now_breaks_readers() -> None:
    changes = after(lambda new: new["components"]["schemas"]["Result"].update(required=["id"]))
    assert breaking(changes) == [("POST /tasks", "response 202 application/json")]


def test_a_new_field_in_an_answer_is_an_addition() -> None:
    changes = after(lambda new: new["components"]["schemas"]["Result"]["properties"].update(cost={"type": "number"}))
    assert breaking(changes) == []
    assert advice(changes) in ("minor", "none")


def test_a_new_required_header_breaks_and_a_new_optional_one_does_not() -> None:
    def add(required: bool) -> list[Change]:
        parameter = {"in": "header", "name": "X-Tenant", "required": required, "schema": {"type": "string"}}
        return after(lambda new: new["paths"]["/tasks"]["post"]["parameters"].append(parameter))

    assert breaking(add(True)) == [("POST /tasks", "header parameter `X-Tenant`")]
    assert breaking(add(False)) == []
    assert advice(add(False)) == "minor"


def test_nullable_of_openapi_3_0_is_understood() -> None:
    old = copy.deepcopy(API)
    old["components"]["schemas"]["Task"]["properties"]["steps"]["nullable"] = True
    changes = diff_openapi(old, API)
    assert breaking(changes) == [("POST /tasks", "body application/json")]
    assert isinstance(changes[0].witness, dict)
    assert changes[0].witness["steps"] is None


TOOL = ToolDefinition(
    "search",
    "1.0.0",
    "Search the corpus.",
    {"type": "object", "properties": {"q": {"type": "string"}, "k": {"type": "integer"}}, "required": ["q"]},
    {"type": "object", "properties": {"hits": {"type": "array"}}, "required": ["hits"]},
)


def changed(**parts: Any) -> list[Change]:
    values = {name: getattr(TOOL, name) for name in TOOL.__dataclass_fields__}
    return diff_tools([TOOL], [ToolDefinition(**{**values, **parts})])


def test_a_tool_no_longer_listed_breaks() -> None:
    assert [change.kind for change in diff_tools([TOOL], [])] == [Kind.BREAKING]


def test_an_open_schema_that_forgets_a_parameter_breaks_without_any_validation_failing() -> None:
    changes = changed(parameters={**TOOL.parameters, "properties": {"q": {"type": "string"}}})
    assert [change.kind for change in changes if "`k`" in change.text] == [Kind.BREAKING]


def test_results_and_wording_are_compared_too() -> None:
    dropped = changed(returns={"type": "object", "properties": {"hits": {"type": "array"}}})
    assert [change.where for change in dropped if change.kind is Kind.BREAKING] == ["returns"]
    reworded = changed(description="Look things up.")
    assert [change.kind for change in reworded] == [Kind.WORDING]
    assert advice(reworded) == "patch"
    annotated = changed(annotations={"destructiveHint": True})
    assert [change.where for change in annotated] == ["annotations"]


def test_a_version_is_compared_with_the_newest_that_replaced_it() -> None:
    newer = [
        ToolDefinition("search", version, TOOL.description, TOOL.parameters, TOOL.returns)
        for version in ("1.9.0", "1.10.0")
    ]
    assert max(newer, key=lambda tool: version_key(tool.version)).version == "1.10.0"
    assert {change.kind for change in diff_tools([TOOL], newer)} == {Kind.ADDITION}
