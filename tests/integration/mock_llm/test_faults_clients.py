"""What the official clients make of the faults: which error they raise, and what they do not notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2  # Anthropic's client lets its errors through
import openai
import pytest

from mock_llm import MockLLM

TEXT = "High water comes twice a day, as the moon goes round."
ASK: Any = [{"role": "user", "content": "When is high water?"}]


@dataclass(frozen=True, eq=False)
class Client:
    """An official client's way to ask: whole and streamed, both give the text."""

    whole: Callable[[], str]
    streamed: Callable[[], str]


@pytest.fixture
def mock() -> Iterator[MockLLM]:
    with MockLLM(seed=3) as made:
        made.set_response(TEXT)
        yield made


@pytest.fixture
def clients(mock: MockLLM) -> Iterator[dict[str, Client]]:
    gpt = openai.OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0)
    claude = anthropic.Anthropic(base_url=mock.anthropic_base_url, api_key="k", max_retries=0)
    to_claude: Any = {"model": "claude-sonnet-5-5", "max_tokens": 99, "messages": ASK}

    def chat() -> str:
        choices = gpt.chat.completions.create(model="gpt-4o", messages=ASK).choices
        return choices[0].message.content or "" if choices else ""

    def chat_stream() -> str:
        with gpt.chat.completions.stream(model="gpt-4o", messages=ASK) as stream:
            return "".join(event.delta for event in stream if event.type == "content.delta")

    def responses() -> str:
        return gpt.responses.create(model="gpt-4o", input=ASK).output_text

    def responses_stream() -> str:
        with gpt.responses.stream(model="gpt-4o", input=ASK) as stream:
            return stream.get_final_response().output_text

    def messages() -> str:
        return "".join(getattr(block, "text", "") for block in claude.messages.create(**to_claude).content)

    def messages_stream() -> str:
        with claude.messages.stream(**to_claude) as stream:
            return "".join(stream.text_stream)

    yield {
        "chat": Client(chat, chat_stream),
        "responses": Client(responses, responses_stream),
        "messages": Client(messages, messages_stream),
    }
    gpt.close()
    claude.close()


NAMES = ("chat", "responses", "messages")
either = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def _ask(client: Client, stream: bool) -> str:
    return client.streamed() if stream else client.whole()


@pytest.mark.parametrize("name", NAMES)
@either
@pytest.mark.parametrize(
    ("fault", "of_openai", "of_anthropic"),
    [
        ({"kind": "status", "status": 400}, openai.BadRequestError, anthropic.BadRequestError),
        ({"kind": "status", "status": 401}, openai.AuthenticationError, anthropic.AuthenticationError),
        ({"kind": "status", "status": 404}, openai.NotFoundError, anthropic.NotFoundError),
        ({"kind": "status", "status": 429}, openai.RateLimitError, anthropic.RateLimitError),
        ({"kind": "outage"}, openai.InternalServerError, anthropic.InternalServerError),
        ({"kind": "status", "status": 529}, openai.InternalServerError, anthropic.APIStatusError),
        ({"kind": "context_overflow"}, openai.BadRequestError, anthropic.BadRequestError),
        ({"kind": "cut", "byte": 0}, openai.APIConnectionError, anthropic.APIConnectionError),
    ],
)
def test_refusals_are_the_clients_own_errors(
    mock: MockLLM,
    clients: dict[str, Client],
    name: str,
    stream: bool,
    fault: dict[str, Any],
    of_openai: type[Exception],
    of_anthropic: type[Exception],
) -> None:
    mock.faults([fault])
    with pytest.raises(of_anthropic if name == "messages" else of_openai):
        _ask(clients[name], stream)


@pytest.mark.parametrize("name", NAMES)
def test_breaks_in_mid_stream_are_raised(mock: MockLLM, clients: dict[str, Client], name: str) -> None:
    ask = clients[name].streamed
    mock.faults([{"kind": "cut", "inside": "utf8"}])
    with pytest.raises(httpx2.RemoteProtocolError if name == "messages" else openai.APIConnectionError):
        ask()
    mock.faults([{"kind": "malformed", "frame": 4}])
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Invalid"):
        ask()
    mock.faults([{"kind": "error_event", "frame": 3, "status": 529, "message": "Too busy."}])
    with pytest.raises(anthropic.APIStatusError if name == "messages" else openai.APIError, match=r"Too busy\."):
        ask()


def test_a_missing_terminator_is_seen_in_responses_alone(mock: MockLLM, clients: dict[str, Client]) -> None:
    mock.faults([{"kind": "missing", "what": "done"}])
    assert clients["chat"].streamed() == TEXT
    assert clients["messages"].streamed() == TEXT
    with pytest.raises(RuntimeError, match=r"response\.completed"):
        clients["responses"].streamed()


@pytest.mark.parametrize("name", NAMES)
@either
def test_an_empty_list_of_answers_is_no_error(
    mock: MockLLM, clients: dict[str, Client], name: str, stream: bool
) -> None:
    mock.faults([{"kind": "empty_choices"}])
    assert _ask(clients[name], stream) == ""
