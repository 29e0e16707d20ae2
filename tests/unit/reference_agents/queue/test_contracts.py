"""What travels between services against its baselines in contracts/: a change is seen, and breaks nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import reference_agents
from reference_agents.queue.events import AgentResultEvent, AgentTaskEvent, Event
from reference_agents.schema_registry.compat import Kind, Level, canonical, problems

ROOT = Path(__file__).parents[4]
EVENTS: list[type[Event]] = [AgentTaskEvent, AgentResultEvent]


@pytest.mark.parametrize("event", EVENTS)
def test_an_events_avro_schema_follows_its_baseline_both_ways_and_the_baseline_is_up_to_date(
    event: type[Event],
) -> None:
    baseline = (ROOT / "contracts" / "events" / event.file).read_text()
    now = canonical(Kind.AVRO, json.dumps(event.avro_schema()))
    assert problems(Kind.AVRO, Level.FULL, now, [canonical(Kind.AVRO, baseline)]) == []
    assert json.loads(baseline) == event.avro_schema()


@pytest.mark.parametrize("event", EVENTS)
def test_avro_and_json_say_the_same_of_an_event(event: type[Event]) -> None:
    avro = {field["name"]: "default" not in field for field in event.avro_schema()["fields"]}
    schema = event.json_schema()
    assert list(schema["properties"]) == list(avro)
    assert canonical(Kind.JSON, json.dumps(schema))
    required = {name for name, info in event.model_fields.items() if info.is_required()}
    assert required == {name for name, needed in avro.items() if needed}


def test_the_committed_protobuf_module_is_what_the_proto_generates(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(ROOT / "contracts" / "proto")]
    command += [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", "agents/v1/agents.proto"]
    subprocess.run(command, check=True, capture_output=True)
    folder = Path(reference_agents.__file__).parent / "grpc_api"
    for name in ("agents_pb2.py", "agents_pb2.pyi"):
        assert (folder / name).read_text() == (tmp_path / "agents" / "v1" / name).read_text(), "run `make proto`"
