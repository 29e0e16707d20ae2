"""Programs run, and can do nothing beyond their folder, their time and their memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from reference_agents.common.problem import Refused
from reference_agents.tools.code_exec.tool import MOST_OUTPUT, code_exec, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")


async def test_what_a_program_prints_is_the_result() -> None:
    tool = code_exec("http://t", "http://t")
    done = await tool.act({"code": "import json\nprint(json.dumps({'sum': sum(range(5))}))"}, "k")
    assert done == {"stdout": '{"sum": 10}\n', "stderr": "", "exit_code": 0, "timed_out": False}


async def test_what_goes_wrong_is_told_without_the_tools_own_frames() -> None:
    done = await run("def f():\n    return 1 / 0\nf()", 5)
    assert done["exit_code"] == 1
    assert done["stderr"].endswith("ZeroDivisionError: division by zero\n")
    assert "jail.py" not in done["stderr"]
    assert (await run("raise SystemExit(77)", 5))["exit_code"] == 77


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import socket\nsocket.socket()", "PermissionError"),
        ("import os\nos.fork()", "PermissionError"),
        ("import subprocess\nsubprocess.run(['true'])", "PermissionError"),
        ("import os\nos.kill(os.getppid(), 9)", "PermissionError"),
        ("open('/etc/passwd').read()", "PermissionError"),
        ("open('/tmp/there-was-a-program-here', 'w')", "PermissionError"),
        ("import os\nos.listdir('/proc/1')", "PermissionError"),
        ("'a' * 10**9", "MemoryError"),
        ("open('big', 'wb').write(b'x' * 10**7)", "File too large"),
        ("[open('f%d' % i, 'w') for i in range(100)]", "Too many open files"),
    ],
)
async def test_it_reaches_nothing_outside(code: str, error: str) -> None:
    code = code.replace("[open", "kept = [open")
    done = await run(code, 5)
    assert done["exit_code"] == 1
    assert error in done["stderr"]


async def test_its_environment_is_empty_and_its_files_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    done = await run("import os\nopen('x', 'w').write('hi')\nprint(os.getcwd(), open('x').read(), *os.environ)", 5)
    folder, text, *environment = done["stdout"].split()
    assert text == "hi"
    assert "OPENAI_API_KEY" not in environment
    assert not Path(folder).exists()  # noqa: ASYNC240


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(60)"])
async def test_its_time_ends(code: str) -> None:
    done = await run("print('begun', flush=True)\n" + code, 1)
    assert done["timed_out"]
    assert done["stdout"] == "begun\n"


async def test_threads_are_allowed_and_output_is_cut() -> None:
    code = "import threading\nt = threading.Thread(target=print, args=('x' * 100_000,))\nt.start()\nt.join()"
    assert len((await run(code, 5))["stdout"]) in (MOST_OUTPUT, MOST_OUTPUT - 1)


async def test_where_nothing_can_be_confined_nothing_is_run() -> None:
    with pytest.raises(Refused) as refused:
        await run("print('ran')", 5, python="/bin/false")
    assert refused.value.status == 503


async def test_a_cancelled_call_leaves_no_process() -> None:
    task = asyncio.create_task(run("import time\ntime.sleep(60)", 10))
    for _ in range(500):
        if confined():
            break
        await asyncio.sleep(0.02)
    assert len(confined()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert confined() == []


def confined() -> list[int]:
    """Our own children that run a program in the jail."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"code_exec/jail.py" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
