"""Secrets are taken out of texts, data and streams; everything else stays."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_llm.recording.redact import Redactor, query, url
from mock_llm.recording.tape import Piece

KEY = b"sk-abcdefghijklmnopqrstuvwxyz"
WHOLE = b'data: {"text":"my key is ' + KEY + b', keep it"}\n\ndata: {"password": "x y"}\n\n'
CLEAN = b'data: {"text":"my key is [redacted], keep it"}\n\ndata: {"password": "[redacted]"}\n\n'


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6).map(sorted))
def test_a_secret_is_found_wherever_the_chunks_are_divided(cuts: list[int]) -> None:
    borders = [0, *cuts, len(WHOLE)]
    pieces = [Piece(float(i), WHOLE[a:b]) for i, (a, b) in enumerate(itertools.pairwise(borders))]
    clean = Redactor().pieces(pieces)
    assert b"".join(piece.data for piece in clean) == CLEAN
    assert [piece.at for piece in clean] == sorted(piece.at for piece in clean)
    assert Redactor().pieces(clean) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer [redacted]"),
        ('{\\"client_secret\\": \\"abc\\"}', '{\\"client_secret\\": \\"[redacted]\\"}'),
        ("ghp_" + "a" * 36 + " and AKIAABCDEFGHIJKLMNOP", "[redacted] and [redacted]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest", "[redacted]\nrest"),
        ('{"token": "Hello", "max_tokens": "9"}', '{"token": "Hello", "max_tokens": "9"}'),
        ('{"password": {"type": "string"}}', '{"password": {"type": "string"}}'),
        ("own-secret-value twice: own-secret-value", "[redacted] twice: [redacted]"),
        ("a short own key: test", "a short own key: test"),
    ],
)
def test_texts(text: str, clean: str) -> None:
    redactor = Redactor(["own-secret-value", "test"])
    assert redactor.text(text) == clean
    assert redactor.text(clean) == clean


def test_data_is_redacted_by_name_and_by_look() -> None:
    data = {"api_key": "x", "nested": [{"Password": "y", "text": KEY.decode()}], "password": {"type": "string"}, "n": 1}
    assert Redactor().data(data) == {
        "api_key": "[redacted]",
        "nested": [{"Password": "[redacted]", "text": "[redacted]"}],
        "password": {"type": "string"},
        "n": 1,
    }


def test_queries_and_urls_lose_their_keys_and_keep_the_rest() -> None:
    assert query("key=abc&alt=sse") == "alt=sse&key=[redacted]"
    assert query("alt=sse&key=other") == query("key=abc&alt=sse")
    assert url("https://u:p@h.example:8/v1?api_key=x") == "https://h.example:8/v1?api_key=[redacted]"
