"""chart_generate: what it takes, what it gives back, where the pictures stay."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from typing import Any

from fastapi import APIRouter, Response
from fastapi import Path as PathPart
from redis.asyncio import Redis

from reference_agents.common.problem import Refused, declared
from reference_agents.common.settings import Settings
from reference_agents.tools.chart import draw
from reference_agents.tools.describe import define, record, rows, text
from reference_agents.tools.service import Tool

KEEP_S = 24 * 3600
MOST_POINTS = 100
NUMBER = {"type": "number", "minimum": -1e12, "maximum": 1e12}
LABEL = r"^[^\x00-\x1f]*$"
TAKES = record(
    {
        "kind": {"type": "string", "enum": ["line", "bar", "pie"], "description": "What it looks like."},
        "title": text("What it shows.", least=1, most=120, pattern=LABEL, examples=["Units sold by month"]),
        "labels": {
            **rows("The places along the axis, or the parts of the pie.", text("A label.", most=60, pattern=LABEL),
                   most=MOST_POINTS),
            "minItems": 1,
            "examples": [["Jan", "Feb", "Mar"]],
        },
        "series": {
            **rows(
                "Rows of figures, a value for each label; a pie has one row.",
                record(
                    {
                        "name": text("Its name.", most=60, pattern=LABEL),
                        "values": rows("Its figures.", NUMBER, most=MOST_POINTS),
                    }
                ),
                most=8,
            ),
            "minItems": 1,
            "examples": [[{"name": "units", "values": [3, 5, 4]}]],
        },
    }
)  # fmt: skip
GIVES = record(
    {
        "chart_id": text("The chart's id.", most=64),
        "url": text("Where the picture is for 24 hours.", most=400),
        "media_type": {"type": "string", "const": "image/png"},
        "bytes": {"type": "integer", "minimum": 1, "description": "Size of the picture."},
    }
)


def wrong(arguments: dict[str, Any]) -> str:
    """What is wrong with the figures that the schema cannot say, or nothing."""
    for row in arguments["series"]:
        if len(row["values"]) != len(arguments["labels"]):
            return f"series {row['name']!r} has {len(row['values'])} values for {len(arguments['labels'])} labels"
    if arguments["kind"] == "pie":
        if len(arguments["series"]) != 1:
            return "a pie has one series"
        values = arguments["series"][0]["values"]
        if min(values) < 0 or not sum(values):
            return "the parts of a pie are not negative and not all 0"
    return ""


def chart_generate(url: str, base: str, redis: Redis | None = None) -> Tool:
    """The tool, to be called at `url`; pictures stay in Redis."""
    store = redis or Redis.from_url(Settings.of(os.environ).redis_url, socket_timeout=3.0)

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        problem = wrong(arguments)
        if problem:
            raise Refused(422, problem)
        drawing = arguments["kind"], arguments["title"], arguments["labels"], arguments["series"]
        id_ = hashlib.sha256(json.dumps(drawing).encode()).hexdigest()[:32]
        picture = await asyncio.to_thread(draw.png, *drawing)
        await store.set(f"chart:{id_}", picture, ex=KEEP_S)
        return {"chart_id": id_, "url": f"{url}/charts/{id_}", "media_type": "image/png", "bytes": len(picture)}

    routes = APIRouter()

    @routes.get(
        "/charts/{chart_id}",
        responses={200: {"content": {"image/png": {}}}, **declared(404, 422, 503)},
        response_class=Response,
        summary="A picture that was drawn",
    )
    async def picture(chart_id: str = PathPart(pattern=r"^[0-9a-f]{32}$")) -> Response:
        found = await store.get(f"chart:{chart_id}")
        if found is None:
            raise Refused(404, "there is no such chart, or no longer")
        return Response(found, media_type="image/png")

    description = "Draw a chart of figures; returns where the picture is."
    return Tool(define("chart_generate", description, TAKES, GIVES, url, base, read_only=False), act, routes)
