"""The `windtunnel` command: parse, call, print, exit. What the commands do is in `harness.app`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from harness.core.errors import EXIT_USAGE, HarnessError

app = typer.Typer(
    name="windtunnel",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Put your agent services in the wind tunnel before they fly.\n\n"
    "Point it at services in windtunnel.toml and learn, with evidence, whether they keep their contracts, do "
    "their job when things fail, carry ten times their peak, and survive the faults of production.\n\n"
    "[bold]Start here[/bold]: [cyan]windtunnel verify[/cyan] runs everything; "
    "[cyan]windtunnel init[/cyan] writes a windtunnel.toml for your own services.\n\n"
    "Exit codes: 0 all PASS; 1 a FAIL; 2 something could not be decided (INCONCLUSIVE, INFRA, NOT_RUN); "
    "3 a fault could not be undone; 64 bad usage or configuration.",
)

# typer carries its own click: what is raised for bad usage is reached through the one class it exports.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The windtunnel.toml to use. Default: the nearest one, upwards from here."),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", help="The number that every random draw derives from. Default: the file's."),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Fewer examples, shorter phases; for a first look.")]


class TargetKind(StrEnum):
    """The kinds that one windtunnel.toml can be aimed at."""

    local = "local"
    kubernetes = "kubernetes"


TargetOption = Annotated[
    TargetKind | None, typer.Option("--target", help="The kind of target, in place of the file's [target] kind.")
]


class Manifest(StrEnum):
    """What `doctor --manifest` prints."""

    rbac = "rbac"
    job = "job"


def _suite_command(suite: str, config: Path | None, names: list[str] | None, seed: int | None, quick: bool) -> None:
    from harness.app.commands import run_command

    only = {suite: tuple(names or ())}
    raise typer.Exit(run_command(config, (suite,), command=_command(), seed=seed, only=only, quick=quick))


def _command() -> str:
    return " ".join(["windtunnel", *sys.argv[1:]])


@app.command()
def verify(
    config: ConfigOption = None, seed: SeedOption = None, quick: QuickOption = False, target: TargetOption = None
) -> None:
    """Run all four suites against the target, judge them, write one report.

    The same windtunnel.toml serves a laptop and a real cluster: [cyan]--target kubernetes[/cyan] aims at the context
    that [target.kubernetes] names and allows.
    """
    from harness.app.commands import SUITE_ORDER, run_command

    kind = target.value if target else None
    raise typer.Exit(run_command(config, SUITE_ORDER, command=_command(), seed=seed, quick=quick, kind=kind))


@app.command()
def contracts(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services to check. Default: all that declare any.")
    ] = None,
    config: ConfigOption = None,
    seed: SeedOption = None,
    quick: QuickOption = False,
) -> None:
    """Check what the services promise: OpenAPI, task life cycle, idempotency, tool schemas.

    [cyan]windtunnel contracts record[/cyan] writes the live contracts down as baselines, to be reviewed in git;
    [cyan]windtunnel contracts diff[/cyan] shows what has changed against them, in Markdown, with semver advice.
    """
    if services and services[0] in ("record", "diff"):
        from harness.app.baselines import baseline_command

        raise typer.Exit(baseline_command(config, services[0], tuple(services[1:])))
    _suite_command("contracts", config, services, seed, quick)


@app.command()
def scenarios(
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios to run, by name. Default: all.")] = None,
    config: ConfigOption = None,
    seed: SeedOption = None,
    quick: QuickOption = False,
) -> None:
    """Play scripted situations and check what the agent did, step by step, also when things fail.

    [cyan]windtunnel scenarios lint[/cyan] [FILE...] reads the files and plays nothing: every mistake with its line, and
    what in them could never show what it means to. Exit code 1 when there is any.
    """
    if names and names[0] == "lint":
        from harness.app.linting import lint_command

        raise typer.Exit(lint_command(config, tuple(Path(name) for name in names[1:])))
    _suite_command("scenarios", config, names, seed, quick)


@app.command()
def load(
    profile: Annotated[
        str | None, typer.Argument(help="A profile under load/profiles. Default: windtunnel.toml's.")
    ] = None,
    config: ConfigOption = None,
    seed: SeedOption = None,
    quick: QuickOption = False,
) -> None:
    """Put the expected peak and ten times the peak on the target, and judge it by its SLOs."""
    _suite_command("load", config, [profile] if profile else None, seed, quick)


@app.command()
def chaos(
    experiments: Annotated[
        list[str] | None, typer.Argument(help="Experiments under chaos/. Default: windtunnel.toml's.")
    ] = None,
    control: Annotated[
        bool,
        typer.Option("--control", help="Negative control: each experiment against a target made unfit; it must fail."),
    ] = False,
    config: ConfigOption = None,
    seed: SeedOption = None,
    quick: QuickOption = False,
) -> None:
    """Break it on purpose, prove that it broke, and check that no accepted work was lost.

    [cyan]windtunnel chaos --control[/cyan] asks whether the experiments can fail at all: each that names a `control`
    is run on a local cluster of its own with that environment. One that passes nevertheless proves nothing, and the
    exit code is 1.
    """
    if control:
        from harness.app.control import control_command

        raise typer.Exit(control_command(config, tuple(experiments or ()), command=_command(), seed=seed))
    _suite_command("chaos", config, experiments, seed, quick)


@app.command()
def up(
    config: ConfigOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; `windtunnel down` ends it.")
    ] = False,
) -> None:
    """Start the target's local cluster and keep it running."""
    from harness.app.commands import up_command

    raise typer.Exit(up_command(config, detach=detach))


@app.command()
def down(config: ConfigOption = None) -> None:
    """Stop the local cluster that `up --detach` started."""
    from harness.app.commands import down_command

    raise typer.Exit(down_command(config))


@app.command()
def status(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: every service's URL, and `kube_api`.")] = False,
) -> None:
    """Show what runs: services with their URLs, pods, the cluster's API. Exit code 2 when nothing runs."""
    from harness.app.commands import status_command

    raise typer.Exit(status_command(config, as_json=as_json))


@app.command()
def report(
    run: Annotated[
        list[str] | None, typer.Argument(help="A run directory, a run's id, or `latest`; `diff A B` compares two.")
    ] = None,
    config: ConfigOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of an event instead.")] = False,
) -> None:
    """Judge a run's evidence again and write its reports anew.

    [cyan]windtunnel report diff A B[/cyan] tells in Markdown which findings broke, appeared, were mended or are gone
    from run A to run B: exit code 1 when something fails that did not before, 2 when something is not decided any more.
    """
    from harness.app.commands import diff_command, report_command, schema_command

    if schema:
        raise typer.Exit(schema_command())
    match run or ["latest"]:
        case ["diff", before, after]:
            raise typer.Exit(diff_command(config, before, after))
        case ["diff", *_]:
            raise typer.BadParameter("two runs are compared: windtunnel report diff BEFORE AFTER")
        case [name]:
            raise typer.Exit(report_command(config, name))
        case names:
            raise typer.BadParameter(f"one run at a time: {' '.join(names)}")


@app.command()
def readiness(
    items: Annotated[
        list[str] | None, typer.Argument(help="Items to show and judge, e.g. REL-4 or 'SVC-*'. Default: all.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="A run to take evidence from; may be repeated. Default: the newest of this target."
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option("--require", help="Items that decide the exit code, e.g. 'SVC-*'. Default: windtunnel.toml's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole checklist for programs.")] = False,
    config: ConfigOption = None,
) -> None:
    """Decide the 33 items of the production-readiness checklist by the evidence of runs and the manifests.

    Nothing is run: [cyan]windtunnel verify[/cyan] makes the evidence. An item without evidence is NOT_RUN and says
    what to run. readiness.json, readiness.md and the badge readiness.svg lie in the newest run's folder. Waivers, with
    a reason and a last day, stand in windtunnel.toml.
    """
    from harness.app.readiness import readiness_command

    wanted = [name for word in require or () for name in word.split(",") if name]
    raise typer.Exit(readiness_command(config, items or (), source or (), wanted, as_json=as_json))


@app.command()
def heal(config: ConfigOption = None) -> None:
    """Undo every fault that a killed run left behind. Safe to repeat."""
    from harness.app.commands import heal_command

    raise typer.Exit(heal_command(config))


@app.command()
def doctor(
    config: ConfigOption = None,
    target: TargetOption = None,
    manifest: Annotated[
        Manifest | None,
        typer.Option(
            "--manifest",
            help="For a real cluster: print the Role that windtunnel needs in its namespace (rbac), or a Job that runs "
            "it there (job), for kubectl apply -n NAMESPACE -f -.",
        ),
    ] = None,
) -> None:
    """Say what this machine and this windtunnel.toml lack, and how to mend it."""
    from harness.app.doctor import doctor_command, print_manifest

    if manifest is not None:
        print_manifest(manifest.value)
        return
    raise typer.Exit(doctor_command(config, target.value if target else None))


@app.command()
def init(
    url: Annotated[
        list[str] | None, typer.Option("--url", help="Base URL of a running service; may be repeated.")
    ] = None,
    folder: Annotated[Path, typer.Option("--into", help="Where to write.")] = Path("."),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write a windtunnel.toml and the suite folders for your own services."""
    from harness.app.init import init_command

    raise typer.Exit(init_command(tuple(url or ()), folder, force=force))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; never shows a traceback for a user's mistake."""
    errors = Console(stderr=True)
    try:
        code = app(args=argv, standalone_mode=False)
    except typer.Abort:
        return EXIT_USAGE
    except _UsageError as error:
        error.show()  # type: ignore[attr-defined]
        return EXIT_USAGE
    except HarnessError as error:
        errors.print(f"[red]error[/red] {escape(error.message)}", soft_wrap=True, highlight=False)
        if error.hint:
            errors.print(f"[green]fix[/green]   {escape(error.hint)}", soft_wrap=True, highlight=False)
        for note in getattr(error, "__notes__", ()):
            errors.print(escape(note), soft_wrap=True, highlight=False)
        return error.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
