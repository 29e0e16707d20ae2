"""Schemathesis in a process of its own: one job on stdin, one JSON line a check on stdout.

It is synchronous, busy and keeps global state, so the suite starts it apart and can end it at any moment.
Run as `python -m harness.contracts.http.conformance_worker`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import Status, events, from_schema

from harness.contracts.http.conformance_job import Job, Progress
from harness.contracts.http.declared import Declared
from harness.contracts.http.tally import Tally
from harness.core.events import Check

# Values at which parsers, databases and languages change their minds; drawn beside the random ones.
BOUNDARY_INTEGERS = [0, -1, 1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**30]
BOUNDARY_STRINGS = [
    "",
    " ",
    "0",
    "null",
    "NaN",
    "../../etc/passwd",
    "' OR '1'='1",
    "{{7*7}}",
    "%00",
    "\u202eabc",
    "\U0001f600",
    "e\u0301",
    "x" * 5000,
]


def configuration(job: Job) -> SchemathesisConfig:
    """Schemathesis' configuration for a job; the text of a schemathesis.toml as a mapping."""
    return SchemathesisConfig.from_dict(
        {
            "seed": job.seed,
            "base-url": job.url,
            "headers": {**job.secret, **job.mark},
            "continue-on-failure": True,
            "workers": 1,
            "request-timeout": job.timeout_s,
            "max-stream-events": 20,  # an event stream may never end
            "generation": {
                "max-examples": job.max_examples,
                "database": "none",
                "dictionaries": {
                    "integer": {"dictionary": "integers", "probability": 0.2},
                    "string": {"dictionary": "strings", "probability": 0.1},
                },
            },
            "dictionaries": {
                "integers": {"values": BOUNDARY_INTEGERS},
                "strings": {"values": BOUNDARY_STRINGS},
            },
            "phases": {
                "stateful": {
                    "enabled": job.stateful,
                    "max-steps": 4,
                    "generation": {"max-examples": max(job.max_examples // 2, 3)},
                }
            },
            # Its sanitizer would hide every field with `token` in its name; Tally hides what is secret.
            "output": {"sanitization": {"enabled": False}},
            "cache": {"enabled": False},
        }
    )


def fresh_keys(header: str, unique: str) -> None:
    """Give each case whose headers are meant to be valid an idempotency key of its own.

    Random keys repeat ("0" again and again) under different bodies, which a correct service refuses; the
    semantics of the key have a check of their own. Cases with headers meant to be invalid keep theirs.
    """
    numbers = itertools.count(1)

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        given = case.headers or {}
        name = next((key for key in given if key.lower() == header.lower()), None)
        if name is None or (case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)):
            return
        case.headers[name] = f"conformance-{unique}-{next(numbers)}"


def let_in(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description without what it says of authentication, for one who is let in with every request.

    Schemathesis would make up tokens and expect 401, while ours goes along; the auth group tries tokens properly.
    """
    paths = {
        path: {
            name: {key: part for key, part in item.items() if key != "security"} if isinstance(item, dict) else item
            for name, item in operations.items()
        }
        for path, operations in description.get("paths", {}).items()
    }
    return {**{key: part for key, part in description.items() if key != "security"}, "paths": paths}


def run(job: Job) -> Iterator[Check | Progress]:
    """How far it is, then every check of every operation."""
    if job.idempotency_header:
        fresh_keys(job.idempotency_header, job.unique)
    described = let_in(job.description) if job.secret else dict(job.description)
    schema = schemathesis.openapi.from_dict(described, config=configuration(job))
    tally = Tally(Declared(dict(job.description)), job.secret)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tally.add(event.recorder)
            if event.status is Status.SKIP and event.skip_reason and event.label:
                continue
            yield Progress(operation=event.label or "sequences", cases=tally.cases)
        elif isinstance(event, events.NonFatalError):
            tally.error(event.label, event.info.title, str(event.info.message), event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception
    yield from tally.checks()


def main() -> None:
    """Read the job, run it, write each result as one line of JSON."""
    job = Job.model_validate_json(sys.stdin.read())
    for line in run(job):
        sys.stdout.write(line.model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
