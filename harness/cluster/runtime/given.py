"""What a container is given: its volumes, its environment, its command line."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.leftovers import MARK, mark
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.images import command_of, program_of
from harness.cluster.runtime.rewrite import Rewriter, expand
from harness.cluster.runtime.state import Surroundings
from harness.core.errors import ConfigError


@dataclass
class Given:
    """Makes it for the pod object `body`, which the cluster knows as `key`. Raises ConfigError for what is missing."""

    key: str
    workload: str
    around: Surroundings
    body: Json
    ports: Mapping[int, int]  # of its containers -> the real ones

    @property
    def folder(self) -> Path:
        return self.around.folder / "pods" / self.key

    def volumes(self) -> dict[str, Path]:
        """Make the pod's volumes as folders; returns them by name."""
        made: dict[str, Path] = {}
        for volume in self.body["spec"].get("volumes") or ():
            folder = self.folder / "volumes" / volume["name"]
            folder.mkdir(parents=True, exist_ok=True)
            made[volume["name"]] = folder
            for source, data in self._sources(volume):
                wanted = {item["key"]: item["path"] for item in source.get("items") or ()}
                for key, content in data.items():
                    if wanted and key not in wanted:
                        continue
                    path = folder / wanted.get(key, key)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                    os.chmod(path, 0o600 if "secretName" in source else 0o644)
        return made

    def _sources(self, volume: Json) -> list[tuple[Json, dict[str, bytes]]]:
        if "configMap" in volume:
            source = volume["configMap"]
            return [(source, self._data("configmaps", source["name"], source.get("optional", False)))]
        if "secret" in volume:
            source = volume["secret"]
            return [(source, self._data("secrets", source["secretName"], source.get("optional", False)))]
        if "projected" in volume:
            return [
                pair for part in volume["projected"].get("sources") or () for pair in self._sources(_projected(part))
            ]
        return []

    def _data(self, resource: str, name: str, optional: bool) -> dict[str, bytes]:
        kind = "ConfigMap" if resource == "configmaps" else "Secret"
        found = self.around.store.find(resource, self.body["metadata"]["namespace"], name)
        if found is None:
            if optional:
                return {}
            raise ConfigError(f"pod {self.key}: there is no {kind} {name!r}", hint="add it to the manifests")
        if kind == "Secret":
            decoded = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
            return {**decoded, **{k: v.encode() for k, v in (found.get("stringData") or {}).items()}}
        return {key: str(value).encode() for key, value in (found.get("data") or {}).items()}

    def rewriter(self, container: Json, volumes: Mapping[str, Path]) -> Rewriter:
        """Turns addresses, ports and paths of the manifest into those that hold on this machine."""
        mounts = {}
        for mount in container.get("volumeMounts") or ():
            folder = volumes.get(mount["name"])
            if folder is not None:
                mounts[mount["mountPath"].rstrip("/")] = str(folder / mount.get("subPath", "")).rstrip("/")
        return Rewriter(
            self.around.services(),
            self.ports,
            mounts,
            lambda service, port: self.around.edge(self.key, service, port),
            self.around.spec.namespace,
        )

    def environment(self, container: Json, rewriter: Rewriter) -> dict[str, str]:
        """The container's variables: envFrom, then env, then windtunnel.toml's, all of them rewritten."""
        env: dict[str, str] = {}
        for source in container.get("envFrom") or ():
            prefix = source.get("prefix", "")
            for key, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
                if key in source:
                    data = self._data(resource, source[key]["name"], source[key].get("optional", False))
                    env.update({prefix + name: value.decode() for name, value in data.items()})
        for entry in container.get("env") or ():
            if "value" in entry:
                env[entry["name"]] = expand(str(entry["value"]), env)
            else:
                value = self._value_from(entry.get("valueFrom") or {}, container)
                if value is not None:
                    env[entry["name"]] = value
        given = self.around.spec.env
        env.update({**given.get("*", {}), **given.get(self.workload, {})})
        rewritten = {name: rewriter.value(value) for name, value in env.items()}
        inherited = {
            key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if key in os.environ
        }
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "HOSTNAME": self.body["metadata"]["name"],
            **rewritten,
            MARK: mark(self.around.folder, os.getpid()),
            "WINDTUNNEL_POD": self.key,
        }

    def _value_from(self, source: Json, container: Json) -> str | None:
        metadata = self.body["metadata"]
        if "fieldRef" in source:
            path = source["fieldRef"]["fieldPath"]
            fields = {
                "metadata.name": metadata["name"],
                "metadata.namespace": metadata.get("namespace", ""),
                "metadata.uid": metadata.get("uid", ""),
                "spec.nodeName": "windtunnel",
                "spec.serviceAccountName": self.body["spec"].get("serviceAccountName", "default"),
                "status.podIP": "127.0.0.1",
                "status.hostIP": "127.0.0.1",
            }
            match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
            return (metadata.get(match[1]) or {}).get(match[2]) if match else fields.get(path)
        if "resourceFieldRef" in source:
            group, _, name = source["resourceFieldRef"]["resource"].partition(".")
            return str(((container.get("resources") or {}).get(group) or {}).get(name, ""))
        for key, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if key in source:
                ref = source[key]
                data = self._data(resource, ref["name"], ref.get("optional", False))
                if ref["key"] in data:
                    return data[ref["key"]].decode()
                if ref.get("optional"):
                    return None
                raise ConfigError(f"pod {self.key}: {ref['name']} has no key {ref['key']!r}")
        return None

    def argv(self, container: Json, env: Mapping[str, str], rewriter: Rewriter) -> list[str]:
        """The command line: `command` and `args`, or what stands for the image and `args`."""
        # `--port 8080` in two words: the number stands alone and is rewritten as such.
        given = [rewriter.value(expand(str(part), env)) for part in container.get("args") or ()]
        spec = self.around.spec
        if container.get("command"):
            first, *rest = (rewriter.value(expand(str(part), env)) for part in container["command"])
            return [program_of(container["image"], spec.images, first), *rest, *given]
        return [*command_of(container["image"], spec.images, spec.config_file, given), *given]


def _projected(part: Json) -> Json:
    if "secret" in part:
        return {"secret": {**part["secret"], "secretName": part["secret"]["name"]}}
    return part
