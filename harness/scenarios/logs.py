"""After the scenarios: what the services wrote into their logs, and should not have.

What a person asked, and what opens a door, ends up in log stores that many can read. Every prompt of the scenarios and
every value of the namespace's Secrets is looked for in every pod's log. Where windtunnel.toml says which fields a
task's line has (`logs_fields`), the services that take tasks have to log in JSON, and no session in the clear.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from harness.core.config import Role
from harness.core.errors import InfraError
from harness.core.events import Check, Outcome
from harness.scenarios.log_lines import structured
from harness.scenarios.model import Ask, Scenario, Step, TaskEvent
from harness.targets.target import Target

SCOPE = "logs"
SHORTEST = 8  # characters: what is shorter occurs by chance
ROLES_APART: tuple[Role, ...] = ("llm", "broker")  # a mock and a broker keep what they are sent


@dataclass(frozen=True)
class Logs:
    """The logs of the target's pods, through the Kubernetes API."""

    http: httpx.AsyncClient
    target: Target
    unique: str = ""  # what the sessions of these scenarios begin with
    fields: Sequence[str] = ()

    async def check(self, scenarios: Iterable[Scenario]) -> list[Check]:
        """A check for each workload and kind of thing. Raises InfraError where logs cannot be read."""
        played = list(scenarios)
        prompts = {prompt for scenario in played for prompt in prompts_of(scenario.when)}
        sessions = {word: word for scenario in played for word in self._sessions(scenario)} if self.fields else {}
        kept = await self._secrets()
        texts = {workload: text for workload, text in sorted((await self._texts()).items()) if text}
        looked = (("prompt", {word: word for word in prompts}), ("secret", kept), ("session", sessions))
        found = [
            judged(workload, text, what, words)
            for workload, text in texts.items()  # what writes nothing leaks nothing
            for what, words in looked
            if words
        ]
        if self.fields and played:
            taking = [service.name for service in self.target.services.values() if service.spec.tasks is not None]
            found.extend(structured({name: texts.get(name, "") for name in taking}, self.fields))
        return found

    def _sessions(self, scenario: Scenario) -> Iterator[str]:
        """The sessions of its first run, as the driver names them."""
        for ask in asks_of(scenario.when):
            yield f"{self.unique}-{scenario.name}-1-{ask.as_}-{ask.session}"

    async def _texts(self) -> dict[str, str]:
        """The log of each workload, its pods' one after the other."""
        base = f"{self.target.kube_api}/api/v1/namespaces/{self.target.namespace}"
        apart = {service.name for role in ROLES_APART for service in self.target.by_role(role)}
        texts: dict[str, str] = {}
        for pod in (await self._get(f"{base}/pods")).json()["items"]:
            labels = pod["metadata"].get("labels") or {}
            workload = str(labels.get("app") or labels.get("app.kubernetes.io/name") or pod["metadata"]["name"])
            if workload not in apart:
                for query in written_logs(pod):
                    log = await self._get(f"{base}/pods/{pod['metadata']['name']}/log?{query}")
                    texts[workload] = texts.get(workload, "") + log.text
        return texts

    async def _secrets(self) -> dict[str, str]:
        """The values of the namespace's Secrets, and what each is called."""
        base = f"{self.target.kube_api}/api/v1/namespaces/{self.target.namespace}/secrets"
        return dict(_values((await self._get(base)).json()["items"]))

    async def _get(self, url: str) -> httpx.Response:
        try:
            answer = await self.http.get(url)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise InfraError(f"{url} cannot be read: {error}") from None
        return answer


def written_logs(pod: Mapping[str, Any]) -> list[str]:
    """The query for each log that a pod has: every container's, and what it wrote before it was last started."""
    queries = []
    for row in (pod.get("status") or {}).get("containerStatuses") or ():
        if "terminated" in (row.get("lastState") or {}):
            queries.append(f"container={row['name']}&previous=true")
        if "waiting" not in (row.get("state") or {}):
            queries.append(f"container={row['name']}")
    return queries


def prompts_of(steps: Sequence[Step]) -> Iterator[str]:
    """Every prompt that is long enough to be known again."""
    return (ask.prompt for ask in asks_of(steps) if len(ask.prompt) >= SHORTEST)


def asks_of(steps: Sequence[Step]) -> Iterator[Ask | TaskEvent]:
    """Every task that is handed in, by whichever door."""
    for step in steps:
        yield from asks_of(step.together)
        yield from (ask for ask in (step.run, step.task, step.event) if ask is not None)


def judged(workload: str, text: str, what: str, words: Mapping[str, str]) -> Check:
    """Whether any of `words` (and what it is called) stands in the log `text` of `workload`."""
    line, found = next(
        ((line, name) for line in text.splitlines() for word, name in words.items() if word in line), ("", "")
    )
    outcome: Outcome
    if found:
        outcome, detail = "fail", f"{'a Secret: ' if what == 'secret' else ''}{found!r} stands in it"
    else:
        outcome, detail = "pass", f"{len(text.splitlines())} lines without any of {len(words)}"
    return Check(
        check=f"logs.no_{what}",
        subject=workload,
        title=f"no {what} in a log",
        outcome=outcome,
        detail=detail,
        payload={"line": line[:500]} if found and what != "secret" else None,
        fix="log ids, hashes and counts; leave out what people write and what opens doors" if found else "",
        replay=f"kubectl logs -l app={workload} --tail=-1",
    )


def _values(secrets: Iterable[Mapping[str, object]]) -> Iterator[tuple[str, str]]:
    for secret in secrets:
        data, metadata = secret.get("data"), secret.get("metadata")
        if not isinstance(data, dict) or not isinstance(metadata, dict):
            continue
        for key, value in data.items():
            try:
                text = base64.b64decode(str(value)).decode().strip()
            except (binascii.Error, UnicodeDecodeError):
                continue
            if len(text) >= SHORTEST:
                yield text, f"{metadata.get('name')}/{key}"
