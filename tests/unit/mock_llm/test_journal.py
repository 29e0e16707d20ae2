"""The journal: bounded in memory, complete on disk, clearable by session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_llm.completion import Completion, ToolCall
from mock_llm.journal import Entry, Journal


@pytest.fixture
def journal() -> Iterator[Journal]:
    made = Journal(limit=600)
    yield made
    made.close()


def _fill(journal: Journal, count: int) -> None:
    for i in range(count):
        answer = Completion.of(ToolCall("f", "{}", "c"))
        journal.add(Entry(f"s{i % 3}", i + 1, "p", "POST", "/x", request=b'{"n": %d}' % i, answer=answer))


def test_what_went_to_disk_reads_as_what_stayed(journal: Journal) -> None:
    _fill(journal, 5000)
    assert len(journal._entries) <= 600
    entries = [entry.to_data() for entry in journal.since()]
    assert [entry["seq"] for entry in entries] == list(range(1, 5001))
    assert [entry["request"]["n"] for entry in entries] == list(range(5000))
    assert {str(entry["answer"]) for entry in entries} == {
        "[{'tool_call': {'id': 'c', 'name': 'f', 'arguments': '{}'}}]"
    }


@pytest.mark.parametrize("seq", [0, 1, 255, 256, 257, 2000, 4400, 4999, 5000])
def test_since_starts_after_the_seq_wherever_it_lies(journal: Journal, seq: int) -> None:
    _fill(journal, 5000)
    assert [entry.seq for entry in journal.since(seq)] == list(range(seq + 1, 5001))


def test_a_cleared_session_is_gone_from_disk_too_and_others_stay(journal: Journal) -> None:
    _fill(journal, 3000)
    journal.clear("s1")
    assert list(journal.since(0, "s1")) == []
    assert sum(1 for _ in journal.since()) == 2000
    journal.add(Entry("s1", 1, "p", "POST", "/x"))
    assert [entry.ordinal for entry in journal.since(0, "s1")] == [1]


def test_large_bodies_leave_memory_early() -> None:
    journal = Journal(limit=4096, limit_bytes=100_000)
    for i in range(300):
        journal.add(Entry("s", i + 1, "p", "POST", "/x", request=b"1" * 2000))
    assert journal._bytes <= 100_000
    assert sum(1 for _ in journal.since()) == 300
    journal.close()


def test_clear_forgets_everything_but_not_the_count(journal: Journal) -> None:
    _fill(journal, 2000)
    journal.clear()
    assert list(journal.since()) == []
    _fill(journal, 1)
    assert [entry.seq for entry in journal.since()] == [2001]
