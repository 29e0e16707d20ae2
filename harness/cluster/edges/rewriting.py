"""The answer of a service, changed on its way: other headers, another body.

Only the head of an HTTP/1.1 answer is read. So that its end needs no reading, the request is changed to close the
connection behind it: each connection carries one request while such a fault is on its edge.
"""

from __future__ import annotations

import re

from harness.cluster.edges.faults import EdgeFault

_REQUEST = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r\n")
MOST_HEAD = 1 << 16


def closing(request: bytes) -> bytes:
    """The beginning of a request, changed to close the connection after its answer; anything else as it is."""
    head, end, rest = request.partition(b"\r\n\r\n")
    if not end or not _REQUEST.match(request):
        return request
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join([*lines, b"connection: close"]) + end + rest


class Rewriting:
    """One connection's answers while `fault` is on its edge."""

    def __init__(self, fault: EdgeFault) -> None:
        self._fault = fault
        self._head = b""
        self._begun = self.done = False

    def answer(self, data: bytes) -> bytes:
        """A chunk of the answer as the caller gets it. `done` says that it was changed; nothing more comes of a body
        that was replaced."""
        if self._begun:
            return b"" if self._fault.body else data
        self._head += data
        head, end, body = self._head.partition(b"\r\n\r\n")
        if not end and len(self._head) < MOST_HEAD:
            return b""
        self._begun = True
        if not end or not head.startswith(b"HTTP/1."):
            return self._head  # no HTTP: nothing to change
        self.done = True
        gone = {name.lower().encode() for name in self._fault.headers} | {b"connection"}
        if self._fault.body:
            gone |= {b"content-length", b"transfer-encoding", b"content-encoding"}
        first, *lines = head.split(b"\r\n")
        kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in gone]
        new = [f"{name}: {value}".encode("latin-1", "replace") for name, value in self._fault.headers.items()]
        if self._fault.body:
            body = self._fault.body.encode()
            new.append(b"content-length: " + str(len(body)).encode())
        return b"\r\n".join([first, *kept, *new, b"connection: close"]) + end + body
