"""Secrets that the client sent to the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule

_SECRETS = {
    "an OpenAI or Anthropic key": rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",
    "an AWS access key": rb"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": rb"\bgh[pousr]_[A-Za-z0-9]{36,}",
    "a Slack token": rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Google key": rb"\bAIza[0-9A-Za-z_-]{35}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a JSON web token": rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
}
_ANY = {name: re.compile(pattern) for name, pattern in _SECRETS.items()}


@rule("secrets_in_prompts")
def secrets_in_prompts(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """A prompt holds what looks like a secret; the finding shows its beginning only."""
    for call in calls:
        for name, pattern in _ANY.items():
            found = pattern.search(call[0].request)
            if found:
                start = found.group()[:6].decode("ascii", "replace")
                yield finding("secrets_in_prompts", f"the body of the request holds {name}: {start}...", call[0])
