"""The load suite: starts the generator's process, tells how far it is, ends it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from importlib import resources
from pathlib import Path

from harness.core.errors import ConfigError, InfraError
from harness.core.events import SuiteEnded, SuiteStarted, proofs
from harness.load.job import SUITE, Job
from harness.load.profile import Profile, read_profile
from harness.targets.child import dying_with_us
from harness.targets.suite import SuiteContext
from harness.targets.target import LiveService

ENV = "WINDTUNNEL_LOAD_JOB"
GRACE_S = 5.0


class LoadSuite:
    """Runs one profile and records its history."""

    name = SUITE

    async def run(self, context: SuiteContext) -> None:
        """Run the profile asked for. Raises ConfigError for a wrong one, InfraError where Locust cannot run."""
        settings = context.config.suites.load
        profile = read_profile(context.config.path(settings.path), (context.only or (settings.profile,))[0])
        if context.quick:
            profile = profile.quick()
        service = _service(context, profile)
        assert service.spec.tasks is not None
        proves = proofs(SUITE, [(profile.name, profile.proves)])
        files = {
            profile.name: context.config.shown(context.config.path(f"{settings.path}/profiles/{profile.name}.yaml"))
        }
        context.recorder.emit(
            SuiteStarted(suite=SUITE, expects=(profile.name,), proves=proves, files=files), suite=SUITE
        )
        folder = context.run_dir / "load"
        folder.mkdir(exist_ok=True)
        job = Job(
            run_dir=context.run_dir,
            service=service.name,
            url=service.url,
            api=service.spec.tasks,
            headers=dict(context.target.headers),
            profile=profile,
            seed=context.seed.number(),
            unique=f"load-{secrets.token_hex(4)}",
        )
        file = folder / "job.json"
        file.write_text(job.model_dump_json(indent=1))
        await self._generate(context, profile, file, folder)
        outcome = "interrupted" if context.stop.is_set() else "completed"
        context.recorder.emit(SuiteEnded(suite=SUITE, outcome=outcome), suite=SUITE)

    async def _generate(self, context: SuiteContext, profile: Profile, job: Path, folder: Path) -> None:
        with (folder / "locust.log").open("w") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "locust", "-f", str(locustfile(context)), "--headless", "-u", "1", "-r", "1"),
                *("--html", str(folder / "locust.html"), "--csv", str(folder / "locust"), "--only-summary"),
                *("--json-file", str(folder / "locust")),
                env={**os.environ, ENV: str(job)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_us(),
            )
        try:
            await self._watch(context, profile, process)
        finally:
            await _end(process)
        if process.returncode not in (0, -signal.SIGTERM) and not context.stop.is_set():
            tail = "\n".join((folder / "locust.log").read_text(errors="replace").splitlines()[-8:])
            raise InfraError(
                f"the load generator ended with {process.returncode}\n{tail}", hint=f"see {folder}/locust.log"
            )

    async def _watch(self, context: SuiteContext, profile: Profile, process: asyncio.subprocess.Process) -> None:
        """Tell the phase and the time left until the process ends, is asked to stop, or takes far too long."""
        began = context.clock.monotonic()
        limit = profile.seconds + profile.drain_s + 30
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(context.stop.wait())
        try:
            while not ended.done() and not stopped.done():
                passed = context.clock.monotonic() - began
                if passed > limit:
                    raise InfraError(f"the load generator is not done after {limit:.0f} s")
                context.progress.step(f"load: {profile.name}, {_phase(profile, passed)}")
                await asyncio.wait({ended, stopped}, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not ended.done():
                ended.cancel()
            await asyncio.gather(ended, stopped, return_exceptions=True)


def _phase(profile: Profile, passed: float) -> str:
    at = 1.0  # what Locust takes to start
    for phase in profile.phases:
        at += phase.seconds
        if passed < at:
            left = profile.seconds + 1.0 - passed
            return f"{phase.name} at {phase.factor * profile.peak:g}/s, {left:.0f} s left"
    return "waiting for the last answers"


def _service(context: SuiteContext, profile: Profile) -> LiveService:
    if profile.service is not None:
        return context.target.service(profile.service)
    found = [s for s in context.target.services.values() if s.spec.tasks is not None]
    if not found:
        raise ConfigError(
            "no service of the target takes tasks, so there is nothing to load",
            hint="describe one under [target.services.NAME.tasks] in windtunnel.toml",
        )
    return found[0]


def locustfile(context: SuiteContext) -> Path:
    """The user's own load/locustfile.py, else the one that ships with the package."""
    own = context.config.path(context.config.suites.load.path) / "locustfile.py"
    if own.is_file():
        return own
    return Path(str(resources.files("harness").joinpath("_suites/load/locustfile.py")))


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, which Locust obeys within a second, then SIGKILL; for the whole group."""
    if process.returncode is not None:
        return
    for number, wait in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            await asyncio.wait_for(process.wait(), wait)
            break
        except TimeoutError:
            continue
