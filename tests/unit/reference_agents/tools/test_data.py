"""The data agent's tools: a database that cannot be changed, tables in files, pictures."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import fakeredis
import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from reference_agents.common import problem
from reference_agents.common.problem import Refused
from reference_agents.tools.chart.tool import chart_generate
from reference_agents.tools.csv_read.tool import csv_read
from reference_agents.tools.service import Tool
from reference_agents.tools.sql_query.database import Database, WrongQuery
from reference_agents.tools.sql_query.tool import sql_query


@pytest.fixture
def sql() -> Tool:
    return sql_query("http://t", "http://t")


async def test_a_query_answers_with_columns_and_rows(sql: Tool) -> None:
    asked = {"query": "SELECT name FROM customers WHERE city = ? ORDER BY id", "parameters": ["Oslo"], "limit": 1}
    found = await sql.act(asked, "")
    assert found == {"columns": ["name"], "rows": [["Northwind"]], "more": True}
    jsonschema_rs.validate(sql.definition.returns, found)
    assert "CREATE TABLE orders" in sql.definition.description


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM orders",
        "INSERT INTO orders VALUES (1)",
        "DROP TABLE orders",
        "ATTACH 'x.db' AS x",
        "PRAGMA query_only = OFF",
        "SELECT load_extension('x')",
        "VACUUM INTO 'copy.db'",
        "CREATE TEMP TABLE t AS SELECT 1",
        "SELECT 1; DELETE FROM orders",
        "SELECT * FROM nothing",
        "SELECT ?",
        "",
    ],
)
async def test_what_is_not_one_select_is_refused_and_changes_nothing(sql: Tool, query: str) -> None:
    if query:
        with pytest.raises(Refused) as refused:
            await sql.act({"query": query}, "")
        assert refused.value.status == 422
    assert (await sql.act({"query": "SELECT count(*) FROM orders"}, ""))["rows"] == [[12]]


def test_a_query_without_end_is_ended() -> None:
    database = Database.open("")
    times = iter(range(100_000))
    database.monotonic = lambda: next(times)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TimeoutError, match="longer than 3 s"):
        database.ask(endless, [], 1, 3.0)
    assert database.ask("SELECT 1", [], 1, 3.0)["rows"] == [[1]]


def test_a_database_on_disk_is_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    with sqlite3.connect(path) as mine:
        mine.execute("CREATE TABLE t (a BLOB, b REAL)")
        mine.execute("INSERT INTO t VALUES (x'00ff', 9e999)")
    mine.close()
    before = path.read_bytes()
    database = Database.open(str(path))
    assert database.ask("SELECT * FROM t", [], 10, 1.0)["rows"] == [["00ff", "inf"]]
    with pytest.raises(WrongQuery):
        database.ask("DELETE FROM t", [], 10, 1.0)
    assert path.read_bytes() == before


async def test_a_table_is_read_by_columns_values_and_pages() -> None:
    tool = csv_read("http://t", "http://t")
    asked = {"file": "sales.csv", "columns": ["month", "units"], "where": {"region": "north", "product": "desk"}}
    found = await tool.act({**asked, "limit": 5}, "")
    assert found["columns"] == ["month", "units"]
    assert [row[0] for row in found["rows"]] == [f"2025-{month:02d}" for month in range(1, 6)]
    assert found["more"]
    rest = await tool.act({**asked, "offset": 5, "limit": 50}, "")
    assert len(rest["rows"]) == 7
    assert not rest["more"]
    jsonschema_rs.validate(tool.definition.returns, found)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"file": "none.csv"}, "there are: sales.csv, tickets.csv"),
        ({"file": "sales.csv", "columns": ["price"]}, "there are: month, region, product"),
    ],
)
async def test_what_is_not_there_is_named_beside_what_is(asked: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        await csv_read("http://t", "http://t").act(asked, "")


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/x.csv", "a/b.csv", ".hidden.csv", "sales.txt"])
def test_names_that_leave_the_folder_are_no_names(name: str) -> None:
    assert not jsonschema_rs.is_valid(csv_read("http://t", "http://t").definition.parameters, {"file": name})


async def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    (tmp_path / "ragged.csv").write_text("a,b\n1\n")
    tool = csv_read("http://t", "http://t", tmp_path)
    with pytest.raises(Refused, match="not CSV in UTF-8"):
        await tool.act({"file": "odd.csv"}, "")
    assert (await tool.act({"file": "ragged.csv"}, ""))["rows"] == [["1", ""]]


@pytest.mark.parametrize("kind", ["line", "bar", "pie"])
async def test_a_chart_is_a_picture_that_can_be_fetched(kind: str) -> None:
    redis = fakeredis.FakeAsyncRedis()
    tool = chart_generate("", "http://t", redis)
    figures = {
        "kind": kind,
        "title": "Sold for $5 or $7",
        "labels": ["a", "b"],
        "series": [{"name": "s", "values": [1, 2]}],
    }
    made = await tool.act(figures, "k")
    jsonschema_rs.validate(tool.definition.returns, made)
    assert await tool.act(figures, "k") == made
    app = FastAPI()
    problem.install(app)
    app.include_router(tool.routes)
    with TestClient(app) as client:
        picture = client.get(made["url"])
        assert client.get("/charts/" + "0" * 32).status_code == 404
    assert picture.headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(picture.content))
    assert image.size == (800, 450)
    assert len(image.getcolors(1 << 20) or []) > 20


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"series": [{"name": "s", "values": [1]}]}, "1 values for 2 labels"),
        ({"kind": "pie", "series": [{"name": "s", "values": [0, 0]}]}, "not all 0"),
        ({"kind": "pie", "series": [{"name": "s", "values": [1, 2]}, {"name": "t", "values": [1, 2]}]}, "one series"),
    ],
)
async def test_figures_that_make_no_chart_are_refused(change: dict[str, object], says: str) -> None:
    figures = {"kind": "bar", "title": "t", "labels": ["a", "b"], "series": [{"name": "s", "values": [1, 2]}]}
    with pytest.raises(Refused, match=says):
        await chart_generate("", "http://t", fakeredis.FakeAsyncRedis()).act({**figures, **change}, "k")
