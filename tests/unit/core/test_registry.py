import pytest

from harness.core.errors import ConfigError
from harness.core.registry import Registry


def test_an_unknown_name_gets_a_suggestion() -> None:
    faults: Registry[int] = Registry("fault")
    faults.register("pod_kill")(1)
    with pytest.raises(ConfigError, match=r"unknown fault 'pod_kil'") as caught:
        faults.get("pod_kil")
    assert caught.value.hint == "did you mean pod_kill?"


def test_a_name_is_taken_once() -> None:
    faults: Registry[int] = Registry("fault")
    faults.register("a")(1)
    with pytest.raises(ValueError, match="two faults are called 'a'"):
        faults.register("a")(2)
    assert list(faults) == [("a", 1)]
    assert "a" in faults
