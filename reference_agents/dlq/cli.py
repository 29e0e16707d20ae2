"""`python -m reference_agents dlq list | show ID | redrive ID`: review dead letters from a shell."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from reference_agents.common.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `dlq`; nothing is the service itself."""
    actions = parser.add_subparsers(dest="action")
    listing = actions.add_parser("list", help="the newest dead letters, one JSON object a line")
    listing.add_argument("--most", type=int, default=100)
    actions.add_parser("show", help="one dead letter, whole").add_argument("id")
    redrive = actions.add_parser("redrive", help="send a dead letter again")
    redrive.add_argument("id")
    redrive.add_argument("--delay", type=float, default=0.0, metavar="SECONDS")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do what the arguments ask for; 1 where there is no such letter, 2 where the store is away."""
    from redis.exceptions import RedisError  # every service's start reads these arguments: they have to be cheap

    try:
        return asyncio.run(_run(arguments, settings))
    except (RedisError, OSError) as error:
        print(f"error: the store is away: {type(error).__name__}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from redis.asyncio import Redis

    from reference_agents.common.clock import RealClock
    from reference_agents.dlq.store import LetterStore

    async with Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0) as redis:
        letters = LetterStore(redis, RealClock())
        if arguments.action == "list":
            for each in await letters.list(arguments.most):
                print(json.dumps(each.shown()))
            return 0
        if arguments.action == "show":
            found = await letters.get(arguments.id)
            if found is not None:
                print(json.dumps(found.shown(whole=True), indent=2))
                return 0
        else:
            state = await letters.redrive(arguments.id, arguments.delay)
            if state is not None:
                print(json.dumps({"id": arguments.id, "state": state}))
                return 0
    print(f"error: there is no dead letter {arguments.id!r}", file=sys.stderr)
    return 1
