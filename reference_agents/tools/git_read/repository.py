"""A Git repository to read from: one on disk, or a small sample that is made in memory."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from stat import S_ISDIR
from typing import Any

from dulwich.errors import NotGitRepository, NotTreeError
from dulwich.object_store import iter_tree_contents, tree_lookup_path
from dulwich.objects import Blob, Commit, ObjectID, SubmoduleEncountered, Tree
from dulwich.objectspec import parse_commit, parse_object
from dulwich.repo import BaseRepo, MemoryRepo, Repo

AUTHOR = b"Shop <shop@agents.example>"
MOST_TEXT = 20_000  # characters
MOST_NAMES = 500


class NotThere(Exception):
    """No such revision, or no such path in it."""


def opened(path: str) -> BaseRepo:
    """The repository at `path`, or the sample where it is empty. Raises ValueError."""
    if not path:
        return sample()
    try:
        return Repo(path)
    except NotGitRepository:
        raise ValueError(f"GIT_REPOSITORY: {path} is not a Git repository") from None


def sample() -> BaseRepo:
    """The commits of history.json: the same ids each time."""
    repository = MemoryRepo()
    files: dict[str, str] = {}
    for entry in json.loads(resources.files(__package__).joinpath("history.json").read_text()):
        files.update(entry["files"])
        at = datetime.fromisoformat(entry["date"]).timestamp()
        repository.do_commit(
            message=entry["message"].encode(), committer=AUTHOR, author=AUTHOR, tree=_tree(repository, files),
            commit_timestamp=at, commit_timezone=0, author_timestamp=at, author_timezone=0,
        )  # fmt: skip
    return repository


def _tree(repository: BaseRepo, files: dict[str, str]) -> ObjectID:
    """The tree of these files, put into the repository."""
    tree = Tree()
    folders: dict[str, dict[str, str]] = {}
    for path, content in files.items():
        first, _, rest = path.partition("/")
        if rest:
            folders.setdefault(first, {})[rest] = content
            continue
        blob = Blob.from_string(content.encode())
        repository.object_store.add_object(blob)
        tree.add(first.encode(), 0o100644, blob.id)
    for name, inside in folders.items():
        tree.add(name.encode(), 0o040000, _tree(repository, inside))
    repository.object_store.add_object(tree)
    return tree.id


def read(repository: BaseRepo, path: str, revision: str) -> dict[str, Any]:
    """A file's text, or the paths in a folder, at a commit. Raises NotThere."""
    commit = _commit(repository, revision)
    store = repository.object_store
    try:
        mode, id_ = tree_lookup_path(store.__getitem__, commit.tree, path.encode()) if path else (0o040000, commit.tree)
    except (KeyError, NotTreeError, SubmoduleEncountered):
        raise NotThere(f"there is no {path!r} at {revision}") from None
    answer = {"commit": commit.id.decode(), "path": path, "text": "", "paths": [], "cut": False}
    if S_ISDIR(mode):
        names = [f"{entry.path.decode(errors='replace')}" for entry in iter_tree_contents(store, id_) if entry.path]
        return {**answer, "paths": names[:MOST_NAMES], "cut": len(names) > MOST_NAMES}
    found = store[id_]
    if not isinstance(found, Blob):
        raise NotThere(f"{path!r} is not a file")
    text = found.data.decode(errors="replace")
    return {**answer, "text": text[:MOST_TEXT], "cut": len(text) > MOST_TEXT}


def log(repository: BaseRepo, path: str, revision: str, most: int) -> list[dict[str, str]]:
    """The commits that lead to `revision`, newest first; only those that changed `path` where it is given."""
    walker = repository.get_walker(
        include=[_commit(repository, revision).id], max_entries=most, paths=[path.encode()] if path else None
    )
    return [
        {
            "commit": entry.commit.id.decode(),
            "author": entry.commit.author.decode(errors="replace"),
            "message": entry.commit.message.decode(errors="replace").strip()[:1000],
        }
        for entry in walker
    ]


def _commit(repository: BaseRepo, revision: str) -> Commit:
    """The commit that `revision` names, ~ and ^ included (which dulwich's parse_commit does not read)."""
    parse: Callable[[Any, bytes], object] = parse_object if re.search(r"[~^]", revision) else parse_commit
    found: object = None
    with contextlib.suppress(KeyError, ValueError):
        found = parse(repository, revision.encode())
    if not isinstance(found, Commit):
        raise NotThere(f"there is no revision {revision!r}")
    return found
