"""The part of kustomize that the local cluster reads; what it does not know is an error, never ignored."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.cluster.manifests.documents import Document, Json, read_documents
from harness.cluster.manifests.merge import json_patch, strategic_merge
from harness.core.errors import ConfigError

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
KNOWN = {
    "apiVersion", "kind", "metadata", "resources", "namespace", "namePrefix", "nameSuffix", "labels", "commonLabels",
    "commonAnnotations", "images", "patches", "replicas", "configMapGenerator", "secretGenerator", "generatorOptions",
}  # fmt: skip
CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "StorageClass"}


def load(path: Path) -> list[Document]:
    """Every object that `path` (a YAML file, a folder of them, or a kustomization) comes to."""
    if path.is_file():
        return read_documents(path)
    if not path.is_dir():
        raise ConfigError("there is no such manifest", file=path, hint="correct [target.local] manifests")
    kustomization = next((path / name for name in NAMES if (path / name).is_file()), None)
    if kustomization is not None:
        return _build(kustomization)
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    return [document for file in files for document in read_documents(file)]


def _build(file: Path) -> list[Document]:
    (holder,) = read_documents(file) or [Document({}, file, 1)]
    spec = holder.body
    for key in spec:
        if key not in KNOWN:
            line = next((n for n, text in enumerate(file.read_text().splitlines(), 1) if text.startswith(key)), 1)
            raise ConfigError(
                f"the local cluster does not read `{key}` of a kustomization",
                file=file,
                line=line,
                hint=f"render it first: kubectl kustomize {file.parent} > rendered.yaml, and name that file",
            )
    documents: list[Document] = []
    for resource in spec.get("resources") or ():
        documents.extend(load((file.parent / resource).resolve()))
    documents.extend(_generated(spec, file))
    for patch in spec.get("patches") or ():
        documents = _patched(documents, patch, file)
    return [_transformed(document, spec) for document in documents]


def _generated(spec: Json, file: Path) -> list[Document]:
    options = spec.get("generatorOptions") or {}
    made: list[Document] = []
    for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for entry in spec.get(key) or ():
            own = {**options, **(entry.get("options") or {})}
            if not own.get("disableNameSuffixHash"):
                raise ConfigError(
                    f"{key} {entry.get('name')}: the local cluster needs names without a hash",
                    file=file,
                    hint="add generatorOptions: {disableNameSuffixHash: true}",
                )
            data: dict[str, str] = {}
            for literal in entry.get("literals") or ():
                name, _, value = literal.partition("=")
                data[name] = value.strip("\"'") if value[:1] in "\"'" else value
            for item in entry.get("files") or ():
                name, _, source = item.rpartition("=")
                data[name or Path(source).name] = (file.parent / source).read_text()
            for env_file in entry.get("envs") or ():
                for line in (file.parent / env_file).read_text().splitlines():
                    if line.strip() and not line.startswith("#"):
                        name, _, value = line.partition("=")
                        data[name] = value
            if kind == "Secret":
                data = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
            body: Json = {"apiVersion": "v1", "kind": kind, "metadata": {"name": entry["name"]}, "data": data}
            if kind == "Secret":
                body["type"] = entry.get("type", "Opaque")
            made.append(Document(body, file, 1))
    return made


def _patched(documents: Sequence[Document], patch: Json, file: Path) -> list[Document]:
    source = file.parent / patch["path"] if "path" in patch else file
    text = source.read_text() if "path" in patch else patch.get("patch", "")
    try:
        parsed: list[Any] = [part for part in yaml.safe_load_all(text) if part is not None]
    except yaml.YAMLError as error:
        raise ConfigError(f"a patch is not YAML: {error}", file=source) from None
    result = list(documents)
    for part in parsed:
        target = patch.get("target")
        if target is None:
            if not isinstance(part, dict):
                raise ConfigError("a JSON patch needs a target", file=source)
            target = {"kind": part.get("kind"), "name": (part.get("metadata") or {}).get("name")}
        hit = [index for index, document in enumerate(result) if _matches(document, target)]
        if not hit:
            raise ConfigError(f"a patch matches nothing: {target}", file=source, hint="correct its kind and name")
        for index in hit:
            old = result[index]
            try:
                body = json_patch(old.body, part) if isinstance(part, list) else _merged(old.body, part)
            except ValueError as error:
                raise ConfigError(f"the patch of {old.kind} {old.name}: {error}", file=source) from None
            result[index] = Document(body, old.file, old.line)
    return result


def _merged(body: Json, patch: Json) -> Json:
    merged: Json = strategic_merge(body, patch)
    merged["metadata"]["name"] = body["metadata"]["name"]
    return merged


def _matches(document: Document, target: Json) -> bool:
    labels = (document.body.get("metadata") or {}).get("labels") or {}
    wanted = target.get("labelSelector")
    if wanted and any(labels.get(k) != v for k, _, v in (part.partition("=") for part in wanted.split(","))):
        return False
    return all(
        not target.get(key) or re.fullmatch(str(target[key]), value)
        for key, value in (("kind", document.kind), ("name", document.name))
    )


def _transformed(document: Document, spec: Json) -> Document:
    body = copy.deepcopy(document.body)
    metadata = body.setdefault("metadata", {})
    if spec.get("namespace"):
        if document.kind == "Namespace":
            metadata["name"] = spec["namespace"]
        elif document.kind not in CLUSTER_SCOPED:
            metadata["namespace"] = spec["namespace"]
    if spec.get("namePrefix") or spec.get("nameSuffix"):
        metadata["name"] = f"{spec.get('namePrefix', '')}{metadata['name']}{spec.get('nameSuffix', '')}"
    if spec.get("commonAnnotations"):
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **spec["commonAnnotations"]}
    common = spec.get("commonLabels")
    everywhere = [{"pairs": common, "includeSelectors": True, "includeTemplates": True}] if common else []
    for entry in [*everywhere, *(spec.get("labels") or ())]:
        _label(body, entry)
    for container in containers_of(body):
        for image in spec.get("images") or ():
            _image(container, image)
    for entry in spec.get("replicas") or ():
        if entry.get("name") == document.name and document.kind in (
            "Deployment",
            "StatefulSet",
            "ReplicaSet",
        ):
            body["spec"]["replicas"] = entry["count"]
    return Document(body, document.file, document.line)


def _label(body: Json, entry: Json) -> None:
    pairs = entry.get("pairs") or {}
    body["metadata"]["labels"] = {**(body["metadata"].get("labels") or {}), **pairs}
    spec = body.get("spec") or {}
    template = spec.get("template")
    if template and (entry.get("includeSelectors") or entry.get("includeTemplates")):
        metadata = template.setdefault("metadata", {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **pairs}
    if entry.get("includeSelectors"):
        pod = (template or {}).get("spec") or {}
        for constraint in pod.get("topologySpreadConstraints") or ():
            selector = constraint.get("labelSelector") or {}
            if "matchLabels" in selector:
                selector["matchLabels"] = {**selector["matchLabels"], **pairs}
        if body.get("kind") == "Service" and spec.get("selector"):
            spec["selector"] = {**spec["selector"], **pairs}
        elif isinstance(spec.get("selector"), dict) and "matchLabels" in spec["selector"]:
            spec["selector"]["matchLabels"] = {**spec["selector"]["matchLabels"], **pairs}


def _image(container: Json, image: Json) -> None:
    name, _, digest = container.get("image", "").partition("@")
    repository, colon, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", "")
    if repository != image.get("name"):
        return
    new = image.get("newName", repository)
    if image.get("digest"):
        container["image"] = f"{new}@{image['digest']}"
    elif image.get("newTag"):
        container["image"] = f"{new}:{image['newTag']}"
    else:
        container["image"] = f"{new}{colon}{tag}" + (f"@{digest}" if digest else "")


def containers_of(body: Json) -> list[Json]:
    """The containers in an object's pod template, init containers included."""
    spec = body.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or (spec if body.get("kind") == "Pod" else {})
    return [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
