"""What a request continues: a stored response, or a conversation."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_responses.items import Item, kept, own
from mock_llm.codecs.protocol import ApiError, Call

RESPONSE = "response"
CONVERSATION = "conversation"


def made_up(call: Call, ident: str) -> bool:
    """Whether an object that is not stored may be made up: in auto mode, unless its id is one of our making."""
    return call.settings.mode == "auto" and not own(ident)


def conversation_id(raw: dict[str, Any]) -> str | None:
    """The id under `conversation`, given as a text or as an object."""
    given = raw.get("conversation")
    return given["id"] if isinstance(given, dict) else given


def history(raw: dict[str, Any], call: Call) -> list[Item]:
    """The items that lie before this request's own, oldest first.

    Raises ApiError: 400 for an unknown previous response, 404 for an unknown conversation (see `made_up`).
    """
    found: list[Item] = []
    previous = raw.get("previous_response_id")
    if previous is not None:
        record = call.store.get(RESPONSE, previous)
        if record is not None:
            found += record["context"]
        elif not made_up(call, previous):
            raise invalid(
                f"Previous response with id '{previous}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
    conversation = conversation_id(raw)
    if conversation is not None:
        record = call.store.get(CONVERSATION, conversation)
        if record is not None:
            found += record["items"]
        elif not made_up(call, conversation):
            raise ApiError(404, f"Conversation with id '{conversation}' not found.")
    return found


def complete(raw: dict[str, Any], call: Call) -> bool:
    """Whether all of the history is known: what was made up may hold anything."""
    previous, conversation = raw.get("previous_response_id"), conversation_id(raw)
    return (previous is None or call.store.get(RESPONSE, previous) is not None) and (
        conversation is None or call.store.get(CONVERSATION, conversation) is not None
    )


def own_items(raw: dict[str, Any], call: Call) -> list[Item]:
    """The items that this request adds."""
    return kept(raw.get("input"), call)
