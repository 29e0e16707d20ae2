"""What secrets look like: for the verdict on a client, and for what a recording must not hold."""

from __future__ import annotations

import re

_SHAPES = {
    "an OpenAI or Anthropic key": rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",
    "an AWS access key": rb"\bAKIA[0-9A-Z]{16}\b",
    "a GitHub token": rb"\bgh[pousr]_[A-Za-z0-9]{36,}",
    "a Slack token": rb"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Google key": rb"\bAIza[0-9A-Za-z_-]{35}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a JSON web token": rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
}
SHAPES = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}
