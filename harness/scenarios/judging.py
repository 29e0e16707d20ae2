"""Claims of many runs to checks: one a scenario and assertion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.events import Check, Outcome
from harness.scenarios.model import Assertion, Scenario
from harness.scenarios.observation import Claim
from harness.scenarios.repetition import pass_hat, wilson


@dataclass(frozen=True)
class Run:
    """One run: a claim for each assertion, or why it was spoilt by the harness or its surroundings."""

    claims: tuple[Claim, ...] = ()
    spoilt: str = ""

    @property
    def holds(self) -> bool:
        """True when every assertion held."""
        return not self.spoilt and all(claim.holds for claim in self.claims)


def checks(scenario: Scenario, runs: Sequence[Run], replay: str) -> list[Check]:
    """What `runs` come to. Spoilt runs count neither way, but too many of them leave nothing to be said."""
    valid = [run for run in runs if not run.spoilt]
    spoilt = [run for run in runs if run.spoilt]
    enough = bool(valid) and len(valid) >= scenario.repeat.valid * len(runs)
    found = [
        Check(
            check="scenario.valid",
            subject=scenario.name,
            title="the scenario could be played",
            outcome="pass" if enough else "infra",
            detail=f"{len(valid)} of {len(runs)} runs valid" + (f": {spoilt[0].spoilt}" if spoilt else ""),
            cases=len(runs),
            replay=replay,
        )
    ]
    if not valid:
        return found
    for n, assertion in enumerate(scenario.then):
        found.append(_assertion(scenario, n, assertion, [run.claims[n] for run in valid], replay))
    if len(runs) > 1:
        found.append(_reliability(scenario, valid, replay))
    return found


def _assertion(scenario: Scenario, n: int, assertion: Assertion, claims: Sequence[Claim], replay: str) -> Check:
    held = sum(claim.holds is True for claim in claims)
    broken = [claim for claim in claims if claim.holds is False]
    unseen = [claim for claim in claims if claim.holds is None]
    outcome: Outcome = "pass"
    if broken and (len(claims) - len(broken)) / len(claims) < scenario.repeat.at_least:
        outcome = "fail"
    elif unseen and held / len(claims) < scenario.repeat.at_least:
        outcome = "inconclusive"
    shown = (broken or unseen or list(claims))[0]
    times = "" if len(claims) == 1 else f"{held} of {len(claims)} runs: "
    return Check(
        check=f"then.{n + 1}.{assertion.kind}",
        subject=scenario.name,
        title=f"{scenario.title}: {assertion.kind.replace('_', ' ')}",
        outcome=outcome,
        detail=times + shown.detail,
        payload=shown.payload,
        fix=(shown.fix or scenario.fix) if outcome != "pass" else "",
        replay=replay,
        cases=len(claims),
    )


def _reliability(scenario: Scenario, valid: Sequence[Run], replay: str) -> Check:
    good = sum(run.holds for run in valid)
    low, high = wilson(good, len(valid))
    chances = ", ".join(
        f"pass^{k} {value:.2f}" for k in (1, 2, 4, 8) if (value := pass_hat(good, len(valid), k)) is not None
    )
    rate = good / len(valid)
    unbroken = sum(all(claim.holds is not False for claim in run.claims) for run in valid) / len(valid)
    outcome: Outcome = "pass"
    if unbroken < scenario.repeat.at_least:
        outcome = "fail"
    elif rate < scenario.repeat.at_least:
        outcome = "inconclusive"
    return Check(
        check="scenario.reliability",
        subject=scenario.name,
        title=f"at least {scenario.repeat.at_least:.0%} of the runs hold",
        outcome=outcome,
        detail=f"{good} of {len(valid)} runs ({rate:.0%}, 95% interval {low:.0%} to {high:.0%}); {chances}",
        fix=scenario.fix,
        replay=replay,
        cases=len(valid),
    )
