"""Makes `kube.json.gz` from Kubernetes' own sources: `make kube-protos` (needs Go and grpcio-tools).

It holds the descriptors of the API's protobuf messages, and what their Go types say about JSON that the descriptors
do not: which fields are inlined into their parent, and which are pointers, whose zero is a value and not an absence.
Kubernetes is licensed under the Apache License 2.0.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from grpc_tools import protoc

VERSION = "v0.32.0"
MODULES = ("k8s.io/api", "k8s.io/apimachinery")
GROUPS = ("apps/v1", "authentication/v1", "authorization/v1", "autoscaling/v1", "autoscaling/v2", "batch/v1",
          "coordination/v1", "core/v1", "discovery/v1", "events/v1", "networking/v1", "policy/v1", "rbac/v1",
          "scheduling/v1", "storage/v1")  # fmt: skip
MACHINERY = ("pkg/api/resource", "pkg/apis/meta/v1", "pkg/runtime", "pkg/runtime/schema", "pkg/util/intstr")
OUTPUT = Path(__file__).with_name("kube.json.gz")

_STRUCT = re.compile(r"^type (\w+) struct \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t(?:\w+ )?(\S+) +`json:\"([^\"]*)\"[^`]*protobuf:\"[^\"]*name=(\w+)", re.MULTILINE)


def main() -> None:
    """Write OUTPUT."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = folder / "src"
        roots = [_module(module, folder) for module in MODULES]
        folders = [*(roots[0] / group for group in GROUPS), *(roots[1] / path for path in MACHINERY)]
        protos, shapes = [], {}
        for root, source in [(roots[0], f) for f in folders[: len(GROUPS)]] + [
            (roots[1], f) for f in folders[len(GROUPS) :]
        ]:
            module = MODULES[roots.index(root)]
            target = sources / module / source.relative_to(root)
            target.mkdir(parents=True)
            shutil.copy(source / "generated.proto", target)
            protos.append(str((target / "generated.proto").relative_to(sources)))
            package = f"{module}/{source.relative_to(root)}".replace("/", ".")
            for file in source.glob("*.go"):
                shapes.update(_shapes(package, file.read_text()))
        output = folder / "set.binpb"
        if protoc.main(["protoc", f"-I{sources}", f"--descriptor_set_out={output}", *protos]) != 0:
            raise SystemExit("protoc failed")
        data = {"version": VERSION, "files": base64.b64encode(output.read_bytes()).decode(), "shapes": shapes}
    OUTPUT.write_bytes(gzip.compress(json.dumps(data, sort_keys=True).encode(), mtime=0))
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes, {len(shapes)} types")


def _module(module: str, folder: Path) -> Path:
    """Where a Go module's sources are."""
    work = folder / "go"
    work.mkdir(exist_ok=True)
    if not (work / "go.mod").exists():
        (work / "go.mod").write_text("module protos\n")
    command = ["go", "mod", "download", "-json", f"{module}@{VERSION}"]
    told = subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(told)["Dir"])


def _shapes(package: str, source: str) -> dict[str, dict[str, list[str]]]:
    """By message: its inlined fields and its pointer fields, by their protobuf names."""
    found = {}
    for name, body in _STRUCT.findall(source):
        inline, pointers = [], []
        for kind, tag, field in _FIELD.findall(body):
            if tag.endswith(",inline"):
                inline.append(field)
            elif kind.startswith("*"):
                pointers.append(field)
        if inline or pointers:
            found[f"{package}.{name}"] = {"inline": sorted(inline), "pointers": sorted(pointers)}
    return found


if __name__ == "__main__":
    main()
