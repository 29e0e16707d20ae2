"""Every tool there is and where it is built; a tool's module is imported only by the process that serves it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_agents.tools.service import Tool

BUILDERS: Mapping[str, str] = {
    "web_search": "web_search.tool:web_search",
    "send_email": "email.send:send_email",
    "get_email_thread": "email.thread:get_email_thread",
    "knowledge_base": "knowledge_base.tool:knowledge_base",
    "code_exec": "code_exec.tool:code_exec",
    "git_read": "git_read.tool:git_read",
    "package_search": "package_search.tool:package_search",
    "sql_query": "sql_query.tool:sql_query",
    "csv_read": "csv_read.tool:csv_read",
    "chart_generate": "chart.tool:chart_generate",
}


def build(name: str, url: str, base: str) -> Tool:
    """The tool `name`, called at `url`/call; its process answers at `base`. Raises KeyError for a name not here."""
    module, _, function = BUILDERS[name].partition(":")
    tool: Tool = getattr(importlib.import_module(f"reference_agents.tools.{module}"), function)(url, base)
    return tool
