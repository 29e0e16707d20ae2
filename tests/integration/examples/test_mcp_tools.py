"""The stockroom works by the official MCP client and by plain HTTP, and its broken ways are really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from mcp import Client

NAME = "mcp_tools"
ORDER = {"sku": "NUT-M8", "quantity": 5, "order_id": "order-1"}
FORBIDDEN = [
    {**ORDER, "quantity": -5},
    {**ORDER, "quantity": "5"},
    {**ORDER, "sku": "ANVIL"},
    {**ORDER, "colour": "red"},
    {"sku": "NUT-M8", "quantity": 5},
]


def _room(url: str) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{url}/ledger").raise_for_status().json()
    return document


def _call(url: str, tool: str, arguments: object) -> httpx.Response:
    return httpx.post(f"{url}/tools/{tool}", json={"input": arguments})


async def test_the_official_client_reserves_and_releases(start: Any) -> None:
    room = start(NAME)
    async with Client(f"{room.url}/mcp") as client:
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == ["reserve_stock", "release_stock"]
        reserved = await client.call_tool("reserve_stock", ORDER)
        assert not reserved.is_error
        assert reserved.structured_content is not None
        assert reserved.structured_content["status"] == "reserved"
        assert _room(room.url)["available"]["NUT-M8"] == 9_995
        number = {"reservation_id": reserved.structured_content["reservation_id"]}
        released = await client.call_tool("release_stock", number)
        assert released.structured_content == {"status": "released", **number}
        refused = await client.call_tool("reserve_stock", FORBIDDEN[0])
        assert refused.is_error
    after = _room(room.url)
    assert after["available"]["NUT-M8"] == 10_000
    assert [(line["tool"], line["outcome"]) for line in after["entries"]] == [
        ("reserve_stock", "reserved"),
        ("release_stock", "released"),
    ]


def test_arguments_against_the_schema_are_refused_before_any_effect(start: Any) -> None:
    room = start(NAME)
    for arguments in [*FORBIDDEN, [], None, "x"]:
        assert _call(room.url, "reserve_stock", arguments).status_code == 422
    surrogate = b'{"input": {"sku": "NUT-M8", "quantity": 1, "order_id": "\\ud800"}}'
    for content in (b"{", b"\xff", b"[]", surrogate):
        assert httpx.post(f"{room.url}/tools/reserve_stock", content=content).status_code == 422
    assert _call(room.url, "burn_stock", {}).status_code == 404
    assert _room(room.url) == {
        "entries": [],
        "available": dict.fromkeys(("BOLT-M8", "NUT-M8", "WASHER-M8"), 10_000),
    }


def test_a_repeated_order_is_reserved_once(start: Any) -> None:
    room = start(NAME)
    first, again = (_call(room.url, "reserve_stock", ORDER).json() for _ in range(2))
    assert (first["status"], again["status"]) == ("reserved", "already_reserved")
    assert first["reservation_id"] == again["reservation_id"]
    assert len(_room(room.url)["entries"]) == 1


def test_stock_outlives_the_process_in_a_file(start: Any, tmp_path: Path) -> None:
    db = str(tmp_path / "stock.db")
    room = start(NAME, "--db", db)
    assert _call(room.url, "reserve_stock", ORDER).json()["status"] == "reserved"
    room.kill()
    room = start(NAME, "--db", db)
    assert _room(room.url)["available"]["NUT-M8"] == 9_995
    assert _call(room.url, "reserve_stock", ORDER).json()["status"] == "already_reserved"


async def test_broken_unchecked_arguments_makes_stock_of_nothing(start: Any) -> None:
    room = start(NAME, "--broken", "unchecked-arguments")
    async with Client(f"{room.url}/mcp") as client:
        assert not (await client.call_tool("reserve_stock", FORBIDDEN[0])).is_error
    assert _call(room.url, "reserve_stock", {**ORDER, "quantity": "7", "order_id": "order-2"}).status_code == 200
    assert _room(room.url)["available"]["NUT-M8"] == 10_000 + 5 - 7


def test_broken_forgets_orders_reserves_twice(start: Any) -> None:
    room = start(NAME, "--broken", "forgets-orders")
    first, again = (_call(room.url, "reserve_stock", ORDER).json() for _ in range(2))
    assert first["reservation_id"] != again["reservation_id"]
    assert [line["idempotency_key"] for line in _room(room.url)["entries"]] == ["order-1", "order-1"]
    assert _room(room.url)["available"]["NUT-M8"] == 9_990
