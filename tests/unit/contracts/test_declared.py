from typing import Any

import pytest

from harness.contracts.http.declared import Declared

ID = {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}}


def described(delete_answers: str) -> dict[str, Any]:
    item = {
        "get": {"parameters": [ID], "responses": {"200": {"description": "it"}}},
        "delete": {"parameters": [ID], "responses": {delete_answers: {"description": "done"}, "404": {}}},
    }
    return {"openapi": "3.1.0", "paths": {"/tasks/{id}": item}}


@pytest.mark.parametrize(("answers", "promised"), [("204", True), ("200", True), ("202", False)])
def test_what_was_deleted_must_be_gone_only_where_delete_says_that_it_deleted(answers: str, promised: bool) -> None:
    assert Declared(described(answers)).applies("use_after_free", "GET /tasks/{id}") is promised
