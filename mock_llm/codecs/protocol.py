"""What a wire protocol has to say: its routes, how a request reads, how an answer looks.

A codec does no I/O and keeps no state: what must survive a request lies in `call.store`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import parse_qs

from mock_llm.clock import EPOCH
from mock_llm.completion import Completion, Json, Request, Usage
from mock_llm.seed import Seed
from mock_llm.settings import Settings

if TYPE_CHECKING:
    from mock_llm.session import Store

Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = ((b"content-type", b"application/json"),)
SSE: Headers = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer. `model`, `usage` and `extra` are for the journal only."""

    status: int
    body: bytes
    headers: Headers = JSON
    model: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a streamed answer, as it goes over the wire.

    `kind` lets faults aim ("text", "tool", "thinking", "refusal": content; "open", "close": structure;
    "finish", "usage", "ping", "done", "error"); `tokens` is how many completion tokens it carries.
    """

    data: bytes
    kind: str
    tokens: int = 0


class ApiError(Exception):
    """A refusal in the provider's words. Codecs raise it from `parse`; the script and faults make them too.

    `kind` is neutral: invalid_request, authentication, permission, not_found, conflict, too_large,
    rate_limit, server_error, overloaded, timeout; the codec turns it into the provider's type. `code` and
    `param` are OpenAI's fields; a protocol without them leaves them out. `headers` are added as they are. `details` is
    Anthropic's: an object for programs.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        kind: str = "",
        code: str | None = None,
        param: str | None = None,
        headers: Headers = (),
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or KINDS.get(status, "server_error" if status >= 500 else "invalid_request")
        self.code = code
        self.param = param
        self.headers = headers
        self.retry_after = retry_after
        self.details = details


KINDS = {
    400: "invalid_request",
    401: "authentication",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limit",
    500: "server_error",
    502: "server_error",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}


class Call:
    """One HTTP request on its way through the server, and the randomness and store that belong to it."""

    __slots__ = (
        "body",
        "headers",
        "json",
        "method",
        "now",
        "ordinal",
        "params",
        "path",
        "query_string",
        "seed",
        "session",
        "settings",
        "store",
    )

    def __init__(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[bytes, bytes],
        body: bytes = b"",
        json: Json = None,
        params: Mapping[str, str] | None = None,
        query_string: bytes = b"",
        session: str = "default",
        ordinal: int = 1,
        seed: Seed | None = None,
        now: float = EPOCH,
        store: Store | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.method = method
        self.path = path  # without the session's prefix
        self.headers = headers  # names in lower case
        self.body = body
        self.json = json  # the decoded body; None where there was none
        self.params = params or {}  # what the route's {placeholders} matched
        self.query_string = query_string
        self.session = session
        self.ordinal = ordinal  # of this request in its session, from 1
        self.seed = seed or Seed()
        self.now = now
        self.settings = settings or Settings()
        self._store(store)

    def _store(self, store: Store | None) -> None:
        if store is None:
            from mock_llm.session import Store as Fresh

            store = Fresh()
        self.store = store

    def header(self, name: str) -> str | None:
        """A request header by its lower-case name."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> dict[str, list[str]]:
        """The decoded query string."""
        return parse_qs(self.query_string.decode("latin-1"), keep_blank_values=True)

    def id(self, prefix: str, name: str = "", length: int = 24) -> str:
        """An identifier that (seed, session, ordinal, prefix, name) determine, e.g. `chatcmpl-…`."""
        return prefix + self.seed.letters(prefix + name, length)

    @property
    def created(self) -> int:
        """The made-up time of the answer in epoch seconds: it depends on the ordinal alone."""
        return int(EPOCH) + self.ordinal


@dataclass(frozen=True, slots=True)
class Route:
    """`method` and `path` of an endpoint; `{name}` matches one segment, `{name:path}` any number.

    Without `answer` it generates: parse, script, render or stream. With `answer` it is a plain endpoint
    (models, retrieve, delete, embeddings ...): called with the call, it returns the Reply or raises ApiError.
    header: the route holds only for requests with this header, and goes before one without: two providers
    have the same path (`/v1/models`), and Anthropic's clients say `anthropic-version`.
    """

    method: str
    path: str
    answer: Callable[[Call], Reply] | None = None
    header: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """Facts about a protocol that the server and the faults need."""

    done: bytes = b""  # the last frame's data where the protocol has one, e.g. b"data: [DONE]\n\n"
    tool_id_prefix: str = "call_"
    media_type: bytes = b"text/event-stream; charset=utf-8"
    too_long: str = (  # how a prompt of {asked} tokens is refused where {limit} fit
        "This model's maximum context length is {limit} tokens. However, your messages resulted in {asked} tokens. "
        "Please reduce the length of the messages."
    )
    prompt: str = "messages"  # the field that holds what is asked
    blocks: bool = False  # an answer is a list of blocks, each with a start and an end of its own in a stream
    answer_id: Callable[[Call], str] | None = None  # the name by which a later request goes on with the answer
    extra: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Codec(Protocol):
    """One wire protocol. Put an instance named CODEC into a module (or package) of `mock_llm.codecs`."""

    name: str
    routes: tuple[Route, ...]
    hints: Hints

    def parse(self, call: Call) -> Request | Reply:
        """The neutral form of what was asked; a Reply where nothing is to be generated (Ollama's loading of a model).

        Raises ApiError for what the provider would refuse.
        """

    def render(self, completion: Completion, request: Request, call: Call) -> Reply:
        """The whole answer (`request.stream` is False)."""

    def stream(self, completion: Completion, request: Request, call: Call) -> Iterable[Frame]:
        """The frames of a streamed answer, in order, terminator included."""

    def stream_headers(self, request: Request, call: Call) -> Headers:
        """The headers of a streamed answer, content type included."""

    def error(self, error: ApiError, call: Call) -> Reply:
        """An error as the provider words it, with its headers (Retry-After is added by the server)."""

    def error_frame(self, error: ApiError, call: Call, sent: int) -> Frame:
        """An error in the middle of a stream (kind "error"), after `sent` frames."""
