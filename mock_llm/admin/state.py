"""How an endpoint reaches the server it administers."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from mock_llm.server import Server


async def _server(request: Request) -> Server:
    return cast(Server, request.app.state.server)


Mock = Annotated[Server, Depends(_server)]
