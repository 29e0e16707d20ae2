"""What a request asks for: the kind, the object, the options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from starlette.requests import Request

from harness.cluster.kubeapi.protobuf.decode import decode
from harness.cluster.resources import Resource


class BadRequest(ValueError):
    """The request cannot be understood; the message says why."""


def flag(text: str | None) -> bool:
    """A yes or no of a query, as the API server reads it."""
    return text is not None and text.lower() not in ("false", "0")


@dataclass(frozen=True)
class Ask:
    """A request to one kind of object. `name` and `sub` are empty where the path has none."""

    http: Request
    resource: Resource
    namespace: str
    name: str = ""
    sub: str = ""

    @property
    def method(self) -> str:
        return self.http.method

    @property
    def query(self) -> Mapping[str, str]:
        return self.http.query_params

    def flag(self, name: str) -> bool:
        """A yes or no of the query. Whatever is not `false` or `0` is yes, as `True` is, which some clients send."""
        return flag(self.query.get(name))

    @property
    def table(self) -> bool:
        """kubectl wants rows to print."""
        return "as=Table" in self.http.headers.get("accept", "")

    @property
    def metadata_only(self) -> bool:
        """A metadata client wants no more than that."""
        return "as=PartialObjectMetadata" in self.http.headers.get("accept", "")

    @property
    def dry(self) -> bool:
        """Nothing may be kept."""
        return "All" in self.http.query_params.getlist("dryRun")

    @property
    def content_type(self) -> str:
        return self.http.headers.get("content-type", "").partition(";")[0].strip()

    async def body(self, *, optional: bool = False) -> Any:
        """The body as data. Raises BadRequest for one that is missing or not what it says it is."""
        return await body_of(self.http, optional=optional)

    async def options(self) -> dict[str, Any]:
        """DeleteOptions from the body, and from the query where it says so too."""
        sent = await self.body(optional=True)
        options: dict[str, Any] = sent if isinstance(sent, dict) else {}
        for key in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents"):
            if key in self.query:
                options[key] = self.query[key]
        return options


async def body_of(request: Request, *, optional: bool = False) -> Any:
    """A request's body as data, from JSON, YAML or protobuf. Raises BadRequest."""
    kind = request.headers.get("content-type", "")
    raw = await request.body()
    if not raw:
        if optional:
            return {}
        raise BadRequest("the request has no body")
    try:
        if "protobuf" in kind:
            return decode(raw)
        sent = yaml.safe_load(raw) if "yaml" in kind else json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise BadRequest(f"the body cannot be read: {error}") from None
    if not isinstance(sent, dict | list):
        raise BadRequest("the body is not an object")
    return sent
