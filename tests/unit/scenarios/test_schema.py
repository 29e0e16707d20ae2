import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from harness.scenarios.schema import FILE, schema_text

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def test_the_schema_for_editors_is_in_step_with_the_model() -> None:
    assert (SCENARIOS / FILE).read_text() == schema_text(), (
        "run: python -m harness.scenarios.schema > scenarios/scenario.schema.json"
    )


@pytest.mark.parametrize("file", sorted(SCENARIOS.rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_scenario_of_the_library_fits_the_schema(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    errors = list(jsonschema_rs.validator_for(json.loads(schema_text())).iter_errors(document))
    assert errors == []


def test_the_schema_refuses_a_typo() -> None:
    validator = jsonschema_rs.validator_for(json.loads(schema_text()))
    good = {"title": "t", "when": [{"run": {"prompt": "x"}}], "then": [{"status": "completed"}, "fallback"]}
    assert validator.is_valid(good)
    assert validator.is_valid({**good, "matrix": {"n": [1, 2]}, "repeat": {"times": "${n}"}})
    assert not validator.is_valid({**good, "repeat": {"times": "twice"}})
    assert not validator.is_valid({**good, "whne": []})
    assert not validator.is_valid({**good, "then": [{"statuss": "completed"}]})
