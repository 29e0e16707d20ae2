"""Mail: sent over real SMTP to the stack's own server, kept once, read back as a thread."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage

import fakeredis
import jsonschema_rs
import pytest
from aiosmtpd.smtp import SMTP

from reference_agents.common.problem import Refused
from reference_agents.tools.email.mailbox import Mailbox
from reference_agents.tools.email.send import TAKES, composed, over_smtp, send_email
from reference_agents.tools.email.server import Inbound
from reference_agents.tools.email.thread import get_email_thread
from reference_agents.tools.service import Tool

HELLO = {"to": ["ada@customers.example"], "subject": "Grüße", "body": "Your order is on its way.\n"}


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    redis = fakeredis.FakeAsyncRedis()
    yield Mailbox(redis)
    await redis.aclose()


@pytest.fixture
async def send(mailbox: Mailbox) -> AsyncIterator[Tool]:
    loop = asyncio.get_running_loop()
    handler = Inbound(mailbox)
    server = await loop.create_server(lambda: SMTP(handler, hostname="mail", loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield send_email("http://t", "http://t", over_smtp({"SMTP_SERVER": f"127.0.0.1:{port}"}))
    server.close()


async def test_what_is_sent_can_be_read_and_answered_in_its_thread(send: Tool, mailbox: Mailbox) -> None:
    first = await send.act(HELLO, "key-1")
    assert first["accepted"] == HELLO["to"]
    await send.act({**HELLO, "body": "It has arrived.", "thread_id": first["thread_id"]}, "key-2")
    thread = get_email_thread("http://t", "http://t", mailbox)
    found = await thread.act({"thread_id": first["thread_id"]}, "")
    jsonschema_rs.validate(thread.definition.returns, found)
    assert [mail["body"].strip() for mail in found["messages"]] == ["Your order is on its way.", "It has arrived."]
    assert found["messages"][0]["subject"] == "Grüße"
    assert found["messages"][0]["to"] == HELLO["to"]
    assert (await thread.act({"thread_id": "none"}, ""))["messages"] == []


async def test_sent_again_under_its_key_it_is_the_same_message_and_delivered_once(send: Tool, mailbox: Mailbox) -> None:
    first = await send.act(HELLO, "key-1")
    assert await send.act(HELLO, "key-1") == first
    other = await send.act(HELLO, "key-2")
    assert len(await mailbox.thread(first["thread_id"])) == 1
    assert len(await mailbox.thread(other["thread_id"])) == 1


async def test_a_server_that_is_away_is_told_as_503_and_refused_addresses_as_422() -> None:
    def away(message: EmailMessage) -> None:
        raise ConnectionRefusedError

    def refuses(message: EmailMessage) -> None:
        raise smtplib.SMTPRecipientsRefused({"x": (550, b"no")})

    for deliver, status in ((away, 503), (refuses, 422)):
        with pytest.raises(Refused) as refused:
            await send_email("http://t", "http://t", deliver).act(HELLO, "k")
        assert refused.value.status == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": []},
        {"to": ["ada"]},
        {"to": ["a@b.example\r\nBcc: all@b.example"]},
        {"subject": "a\r\nBcc: all@b.example"},
        {"thread_id": "x> <y"},
    ],
)
def test_addresses_that_are_none_and_headers_in_disguise_are_refused(wrong: dict[str, object]) -> None:
    assert jsonschema_rs.is_valid(TAKES, HELLO)
    assert not jsonschema_rs.is_valid(TAKES, {**HELLO, **wrong})


async def test_half_a_surrogate_pair_is_refused(send: Tool) -> None:
    with pytest.raises(Refused, match="not Unicode"):
        await send.act({**HELLO, "body": "\ud800"}, "k")


def test_without_a_key_the_message_is_known_by_what_it_says() -> None:
    assert composed(HELLO, "")["Message-ID"] == composed(dict(HELLO), "")["Message-ID"]
    assert composed(HELLO, "")["Message-ID"] != composed({**HELLO, "body": "another"}, "")["Message-ID"]
