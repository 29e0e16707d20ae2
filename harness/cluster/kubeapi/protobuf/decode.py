"""Kubernetes objects from protobuf to the JSON that the API keeps.

kubectl's generators and most Go clients send `application/vnd.kubernetes.protobuf`: four bytes, and a runtime.Unknown
around the object (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding). Answers are JSON,
which every client accepts as well.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from harness.cluster.manifests.documents import Json

MAGIC = b"k8s\x00"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_OPTIONS = ("DeleteOptions", "CreateOptions", "PatchOptions", "UpdateOptions")


class NotDecodable(ValueError):
    """The bytes are no Kubernetes object that is known here; the message says why."""


@dataclass(frozen=True)
class _Schema:
    message: Callable[[str], Any]  # the class of a message by its full name; raises KeyError
    shapes: dict[str, dict[str, list[str]]]


@functools.cache
def _schema() -> _Schema:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError:
        raise NotDecodable(
            "protobuf bodies need the package `protobuf`: pip install 'agent-windtunnel[stack]'"
        ) from None
    packed = resources.files("harness.cluster.kubeapi.protobuf").joinpath("kube.json.gz").read_bytes()
    data = json.loads(gzip.decompress(packed))
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(data["files"]))
    waiting = {file.name: file for file in files.file}
    while waiting:  # a file comes after those that it imports
        ready = [file for file in waiting.values() if not any(name in waiting for name in file.dependency)]
        for file in ready:
            pool.Add(waiting.pop(file.name))

    def message(name: str) -> Any:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    return _Schema(message, data["shapes"])


def decode(raw: bytes) -> Json:
    """The object in `raw`. Raises NotDecodable."""
    if not raw.startswith(MAGIC):
        raise NotDecodable("a protobuf body begins with the bytes k8s\\0")
    schema = _schema()
    from google.protobuf.message import DecodeError

    try:
        unknown = schema.message("k8s.io.apimachinery.pkg.runtime.Unknown").FromString(raw[len(MAGIC) :])
        api_version, kind = unknown.typeMeta.apiVersion, unknown.typeMeta.kind
        message = schema.message(_full_name(api_version, kind)).FromString(unknown.raw)
    except KeyError:
        raise NotDecodable(f"no protobuf message is known for {kind} in {api_version}") from None
    except DecodeError as error:
        raise NotDecodable(f"not protobuf: {error}") from None
    return {"kind": kind, "apiVersion": api_version, **_plain(message, schema)}


def _full_name(api_version: str, kind: str) -> str:
    if kind in _OPTIONS:
        return _META + kind
    group, _, version = api_version.rpartition("/")
    return f"k8s.io.api.{group.partition('.')[0] or 'core'}.{version}.{kind}"


def _plain(message: Any, schema: _Schema) -> Any:
    """A message as Go's encoding/json writes the struct behind it, less what is zero and no pointer."""
    name = message.DESCRIPTOR.full_name
    special = _SPECIAL.get(name)
    if special is not None:
        return special(message)
    shape = schema.shapes.get(name, {"inline": [], "pointers": []})
    result: Json = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            plain: Any = {key: _value(inner, item, schema) for key, item in value.items()}
        elif field.is_repeated:
            plain = [_value(field, item, schema) for item in value]
        else:
            plain = _value(field, value, schema)
        if field.name in shape["inline"]:
            result.update(plain)
        elif field.name in shape["pointers"] or plain not in ("", 0, False, None, {}, []):
            result[field.name] = plain
    return result


def _value(field: Any, value: Any, schema: _Schema) -> Any:
    if field.message_type is not None:
        return _plain(value, schema)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _time(message: Any) -> str | None:
    if not message.ListFields():
        return None
    return datetime.fromtimestamp(message.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(message: Any) -> str | None:
    if not message.ListFields():
        return None
    moment = datetime.fromtimestamp(message.seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{message.nanos // 1000:06d}Z"


def _raw(message: Any) -> Any:
    return json.loads(message.raw) if message.raw else None


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    _META + "Time": _time,
    _META + "MicroTime": _micro_time,
    _META + "Duration": lambda message: f"{message.duration / 1e9:g}s",
    _META + "FieldsV1": lambda message: json.loads(message.Raw) if message.Raw else {},
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": lambda message: message.string,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": lambda m: m.strVal if m.type == 1 else m.intVal,
    "k8s.io.api.authorization.v1.ExtraValue": lambda message: list(message.items),
    "k8s.io.api.authentication.v1.ExtraValue": lambda message: list(message.items),
}
