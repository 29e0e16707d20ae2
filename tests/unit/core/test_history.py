import pytest

from harness.core.clock import ManualClock
from harness.core.events import Event, Operation
from harness.core.history import calls
from harness.evidence.recorder import MemoryRecorder


def record(*operations: Operation) -> list[Event]:
    recorder = MemoryRecorder(clock=ManualClock())
    recorder.emit_all(operations)
    return recorder.events


def op(step: str, op: str = "1", kind: str = "submit") -> Operation:
    return Operation(step=step, op=op, process="p", kind=kind)


def test_an_operation_without_an_end_may_have_happened() -> None:
    (call,) = calls(record(op("invoke")))
    assert call.outcome == "info"
    assert call.answer is None


def test_invoke_and_end_are_paired_by_id_and_filtered_by_kind() -> None:
    events = record(op("invoke"), op("invoke", "2", "status"), op("fail", "2", "status"), op("ok"))
    assert [(call.sent.op, call.outcome) for call in calls(events)] == [("1", "ok"), ("2", "fail")]
    assert [call.sent.op for call in calls(events, kind="status")] == ["2"]


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([op("ok")], id="an end without an invoke"),
        pytest.param([op("invoke"), op("ok"), op("fail")], id="two ends"),
        pytest.param([op("invoke"), op("invoke")], id="two invokes"),
    ],
)
def test_impossible_histories_are_refused(operations: list[Operation]) -> None:
    with pytest.raises(ValueError, match="operation 1"):
        calls(record(*operations))
