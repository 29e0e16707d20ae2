"""Confines the process that imports it, for good: limits, no network, no other process, no files but a folder.

Run as `python -I jail.py FOLDER SECONDS MEGABYTES < program`: the program then runs in the same process.
Linux only, and needs no privilege: resource limits, a seccomp filter (seccomp(2)) and Landlock (landlock(7)).
Imports nothing of the stack: what it imports, the program could reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
import traceback

DIE_WITH_PARENT, SIGKILL = 1, 9
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_DIR, EXECUTE = 1 << 2, 1 << 3, 1 << 0
ALL_V1 = (1 << 13) - 1
CLONE_THREAD = 0x10000
NEVER = {
    "x86_64": (0xC000003E, 56, (41, 57, 58, 59, 62, 101, 200, 234, 322, 424, 425, 434, 438)),
    "aarch64": (0xC00000B7, 220, (198, 117, 129, 130, 131, 221, 281, 424, 425, 434, 438)),
}
"""By machine: its audit name, the number of clone, and the calls refused: socket, fork, vfork, execve, execveat,
kill, tkill, tgkill, ptrace, pidfd_send_signal, pidfd_open, pidfd_getfd, io_uring_setup."""
CLONE3 = 435
BEGUN = b"\x00"
"""What comes first on standard output when the process is confined; without it nothing was run."""

_libc = ctypes.CDLL(None, use_errno=True)


class CannotConfine(Exception):
    """The kernel lacks something that this needs."""


def limits(seconds: int, megabytes: int) -> None:
    """CPU time, address space, size of files, open files, no core dump."""
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_FSIZE, 1 << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def no_network_no_processes() -> None:
    """A seccomp filter under which socket, fork, exec and signals to others give EPERM; threads are allowed."""
    if platform.machine() not in NEVER:
        raise CannotConfine(f"no list of system calls for {platform.machine()}")
    audit, clone, refused = NEVER[platform.machine()]
    load, equal, some, above, answer = 0x20, 0x15, 0x45, 0x35, 0x06
    deny, allow, unknown = 0x00050000 | errno.EPERM, 0x7FFF0000, 0x00050000 | errno.ENOSYS
    program: list[tuple[int, int, int, int]] = [(load, 0, 0, 4), (equal, 1, 0, audit), (answer, 0, 0, deny)]
    program += [(load, 0, 0, 0), (above, 0, 1, 0x40000000), (answer, 0, 0, deny)]
    program += [(equal, 0, 1, CLONE3), (answer, 0, 0, unknown)]  # its flags are out of reach; libc then uses clone
    for number in refused:
        program += [(equal, 0, 1, number), (answer, 0, 0, deny)]
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (some, 1, 0, CLONE_THREAD), (answer, 0, 0, deny)]
    program += [(answer, 0, 0, allow)]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    kept = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept))
    if _libc.prctl(SET_SECCOMP, FILTER, ctypes.create_string_buffer(head, len(head)), 0, 0):
        raise CannotConfine(f"seccomp: {os.strerror(ctypes.get_errno())}")


def only_files_in(folder: str, readable: list[str]) -> None:
    """Landlock: anything within `folder`, reading within `readable`, nothing elsewhere."""
    handled = struct.pack("Q", ALL_V1)
    rules = _libc.syscall(LANDLOCK_CREATE, handled, len(handled), 0)
    if rules < 0:
        raise CannotConfine(f"landlock: {os.strerror(ctypes.get_errno())}")
    for path, allowed in [(folder, ALL_V1)] + [(path, READ_FILE | READ_DIR | EXECUTE) for path in readable]:
        with contextlib.suppress(FileNotFoundError):
            at = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", allowed if os.path.isdir(path) else allowed & ~READ_DIR, at)
            if _libc.syscall(LANDLOCK_ADD, rules, 1, rule, 0):
                raise CannotConfine(f"landlock: {path}: {os.strerror(ctypes.get_errno())}")
            os.close(at)
    if _libc.syscall(LANDLOCK_RESTRICT, rules, 0):
        raise CannotConfine(f"landlock: {os.strerror(ctypes.get_errno())}")
    os.close(rules)


def main(folder: str, seconds: int, megabytes: int) -> None:
    """Read the program from standard input, confine, run it."""
    source = sys.stdin.buffer.read()
    os.chdir(folder)
    try:
        if sys.platform != "linux":
            raise CannotConfine("only Linux can")
        _libc.prctl(DIE_WITH_PARENT, SIGKILL, 0, 0, 0)
        if _libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0):
            raise CannotConfine("no_new_privs")
        library = {sys.base_prefix, "/usr/lib", "/usr/local/lib", "/lib", "/lib64", "/dev/null", "/dev/urandom"}
        only_files_in(folder, sorted(library))
        no_network_no_processes()
        limits(seconds, megabytes)
    except (CannotConfine, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    os.write(1, BEGUN)
    sys.argv = ["program.py"]
    try:
        exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})  # noqa: S102  (to run programs is its purpose)
    except Exception as error:
        traceback.print_exception(error.with_traceback(error.__traceback__ and error.__traceback__.tb_next))
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
