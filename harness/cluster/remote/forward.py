"""A service of a real cluster at a port of this machine, kept up while pods come and go."""

from __future__ import annotations

import subprocess
import threading

from harness.cluster.remote.kubectl import Kubectl, end
from harness.core.errors import InfraError

AGAIN_S = 0.3
_SAID = r"127\.0\.0\.1:(\d+)"


class Forward:
    """`kubectl port-forward` to one port of a service. It is tied to a pod, and ends with it: then it is started again,
    at the same port, to another. Meanwhile connections are refused, as nobody inside of the cluster sees it."""

    def __init__(self, kubectl: Kubectl, namespace: str, service: str, port: int) -> None:
        self._kubectl, self._namespace, self._service, self._target = kubectl, namespace, service, port
        self.restarts = 0
        self._closing = threading.Event()
        self._process, self.port = self._start(0)
        self._thread = threading.Thread(target=self._keep, name=f"forward-{service}", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _start(self, local: int) -> tuple[subprocess.Popen[bytes], int]:
        ports = f"{local or ''}:{self._target}"
        words = ["port-forward", "-n", self._namespace, f"svc/{self._service}", ports, "--address", "127.0.0.1"]
        return self._kubectl.listening(words, _SAID)

    def _keep(self) -> None:
        while not self._closing.is_set():
            assert self._process.stdout is not None
            while self._process.stdout.read1(65536):  # type: ignore[attr-defined]
                pass  # it tells of every connection
            while not self._closing.is_set():
                end(self._process)
                try:
                    self._process, _ = self._start(self.port)
                    self.restarts += 1
                    break
                except InfraError:
                    self._closing.wait(AGAIN_S)  # no pod is ready yet

    def close(self) -> None:
        """End it."""
        self._closing.set()
        if self._process.poll() is None:
            self._process.kill()
        self._thread.join(30)
        end(self._process)
