"""`python -m reference_agents agent search | registry | tool web_search`: one image, one service a process."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from reference_agents.agents.profile import NAMES
from reference_agents.common.settings import Settings
from reference_agents.dlq import cli as dlq
from reference_agents.tools.build import BUILDERS, build

if TYPE_CHECKING:
    from fastapi import FastAPI


def main(argv: list[str] | None = None) -> int:
    """Run the service that the arguments name until SIGTERM; 64 for bad usage or settings."""
    parser = argparse.ArgumentParser(prog="reference_agents", description="One service of the reference stack.")
    parser.add_argument(
        "--flaw", default=os.environ.get("REFERENCE_FLAW", ""), help="start with a known defect; see FLAWS.md"
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("agent", help="an agent service").add_argument("name", choices=NAMES)
    kinds.add_parser("registry", help="the tool registry")
    kinds.add_parser("auth", help="issues the tokens by which services know each other")
    kinds.add_parser("orchestrator", help="plans over agents")
    kinds.add_parser("schema-registry", help="the events' schemas and what may follow them")
    dlq.add_arguments(kinds.add_parser("dlq", help="the dead letter handler; or list, show ID, redrive ID"))
    kinds.add_parser("mail", help="the mail server that send_email hands its messages to")
    tool = kinds.add_parser("tool", help="a tool service, or several tools in one process")
    tool.add_argument("names", nargs="+", choices=sorted(BUILDERS), metavar="NAME")
    arguments = parser.parse_args(argv)
    try:
        settings = dataclasses.replace(Settings.of(), flaw=arguments.flaw)
        if arguments.kind == "dlq" and arguments.action:
            return dlq.run(arguments, settings)
        app = _app(arguments, settings)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 64
    from reference_agents.common.serve import serve

    return serve(app, settings.host, settings.port)


def _app(arguments: argparse.Namespace, settings: Settings) -> FastAPI:
    """The application; each kind imports only what it needs."""
    if arguments.kind == "agent":
        from reference_agents.api.service import create_app as agent_app

        return agent_app(arguments.name, settings)
    if arguments.kind == "registry":
        from reference_agents.registry.service import create_app as registry_app

        return registry_app(settings)
    if arguments.kind == "auth":
        from reference_agents.auth.service import create_app as auth_app

        return auth_app(settings)
    if arguments.kind == "orchestrator":
        from reference_agents.orchestrator.service import create_app as orchestrator_app

        return orchestrator_app(settings)
    if arguments.kind == "schema-registry":
        from reference_agents.schema_registry.service import create_app as schema_registry_app

        return schema_registry_app(settings)
    if arguments.kind == "dlq":
        from reference_agents.dlq.service import create_app as dlq_app

        return dlq_app(settings)
    if arguments.kind == "mail":
        from reference_agents.tools.email.server import create_app as mail_app

        return mail_app(settings)
    from reference_agents.tools.service import create_app as tool_app

    base = os.environ.get("TOOL_URL", f"http://127.0.0.1:{settings.port}").rstrip("/")
    alone = len(arguments.names) == 1
    return tool_app(
        [build(name, base if alone else f"{base}/tools/{name}", base) for name in arguments.names], settings
    )


if __name__ == "__main__":
    sys.exit(main())
