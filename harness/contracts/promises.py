"""The one way the contracts suite writes down what it saw."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from harness.core.events import Check, Note, Outcome
from harness.evidence.recorder import Recorder

SUITE = "contracts"


@dataclass(frozen=True)
class Promises:
    """Records checks under one scope (`<service>/<group>`).

    A promise that the service does not make is `not_applicable`: a note, never a check, so that it can
    turn no verdict green.
    """

    recorder: Recorder
    scope: str

    def kept(
        self,
        check: str,
        subject: str,
        title: str,
        *,
        detail: str = "",
        payload: JsonValue = None,
        cases: int = 1,
    ) -> None:
        """The service did as promised, in `cases` examples."""
        self._emit("pass", check, subject, title, detail=detail, payload=payload, cases=cases)

    def broken(
        self,
        check: str,
        subject: str,
        title: str,
        *,
        detail: str,
        payload: JsonValue = None,
        fix: str = "",
        replay: str = "",
        cases: int = 1,
    ) -> None:
        """The service did otherwise; `payload` is the concrete witness."""
        self._emit("fail", check, subject, title, detail=detail, payload=payload, fix=fix, replay=replay, cases=cases)

    def undecided(
        self,
        check: str,
        subject: str,
        title: str,
        *,
        detail: str,
        payload: JsonValue = None,
        fix: str = "",
        infra: bool = False,
    ) -> None:
        """Nothing was learnt: `infra` when the harness or its surroundings are to blame."""
        outcome: Outcome = "infra" if infra else "inconclusive"
        self._emit(outcome, check, subject, title, detail=detail, payload=payload, fix=fix)

    def judge(
        self,
        holds: bool,
        check: str,
        subject: str,
        title: str,
        *,
        detail: str,
        payload: JsonValue = None,
        fix: str = "",
        replay: str = "",
        cases: int = 1,
    ) -> bool:
        """`kept` or `broken` by `holds`, which is returned."""
        if holds:
            self.kept(check, subject, title, detail=detail, cases=cases)
        else:
            self.broken(check, subject, title, detail=detail, payload=payload, fix=fix, replay=replay, cases=cases)
        return holds

    def not_applicable(self, text: str) -> None:
        """Say what was not checked because the service does not declare it."""
        self.recorder.emit(Note(level="info", text=f"not applicable: {text}"), suite=SUITE, scope=self.scope)

    def emit(self, check: Check) -> None:
        """Record a check made elsewhere, e.g. by a worker process."""
        self.recorder.emit(check, suite=SUITE, scope=self.scope)

    def _emit(
        self,
        outcome: Outcome,
        check: str,
        subject: str,
        title: str,
        *,
        detail: str = "",
        payload: JsonValue = None,
        fix: str = "",
        replay: str = "",
        cases: int = 1,
    ) -> None:
        self.emit(
            Check(
                check=check,
                subject=subject,
                title=title,
                outcome=outcome,
                detail=detail,
                payload=payload,
                fix=fix,
                replay=replay,
                cases=cases,
            )
        )
