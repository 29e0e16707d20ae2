"""What is done with dead letters: keep, report, send again. Each by itself: none waits for another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import structlog
from redis.exceptions import RedisError

from reference_agents.dlq.store import Letter, LetterStore
from reference_agents.queue.messages import TOPIC, Received, redriven
from reference_agents.queue.producer import BrokerAway, Sender

LOOK_S = 0.5
TROUBLE_S = 2.0


@dataclass
class Keeper:
    """Keeps every dead letter: whatever it is, there is nothing to fail at."""

    letters: LetterStore

    async def __call__(self, message: Received) -> None:
        """Keep the letter; the same one again changes nothing."""
        await self.letters.add(message)


@dataclass
class Reporter:
    """Tells a webhook of the first dead letter of each kind, once the webhook has taken it."""

    letters: LetterStore
    http: httpx.AsyncClient
    webhook: str
    log: structlog.typing.FilteringBoundLogger

    async def run(self) -> None:
        """Report for ever."""
        while True:
            try:
                for letter in await self.letters.to_report():
                    await self._tell(letter)
                await asyncio.sleep(LOOK_S)
            except (RedisError, httpx.HTTPError) as error:
                self.log.warning("a dead letter could not be reported", error=type(error).__name__)
                await asyncio.sleep(TROUBLE_S)

    async def _tell(self, letter: Letter) -> None:
        self.log.error("a new kind of dead letter", letter=letter.id, kind=letter.fingerprint)
        if self.webhook:
            # What the message says stays here: an alert goes to people and chat rooms.
            said = {"alert": "NewDeadLetter", "letter": letter.id, "topic": letter.message.headers.get(TOPIC, "")}
            said |= {"error": letter.error, "fingerprint": letter.fingerprint}
            answer = await self.http.post(self.webhook, json=said, timeout=5.0)
            answer.raise_for_status()
        await self.letters.reported(letter)


@dataclass
class Redriver:
    """Sends letters again when their time has come."""

    letters: LetterStore
    sender: Sender
    log: structlog.typing.FilteringBoundLogger

    async def run(self) -> None:
        """Send for ever. A letter that was sent just before a crash is sent twice: receivers know it by its task."""
        while True:
            try:
                for letter in await self.letters.due():
                    await self.sender.send(redriven(letter.message))
                    await self.letters.sent(letter)
                    self.log.info("a dead letter was sent again", letter=letter.id)
                await asyncio.sleep(LOOK_S)
            except (RedisError, BrokerAway) as error:
                self.log.warning("a dead letter could not be sent again", error=type(error).__name__)
                await asyncio.sleep(TROUBLE_S)
