"""The command `mock-llm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A deterministic mock of the LLM providers' HTTP APIs, for testing agents.",
)


@app.callback()
def root() -> None:
    """A deterministic mock of the LLM providers' HTTP APIs, for testing agents."""


@app.command()
def serve(
    script: Annotated[
        Path | None, typer.Argument(help="YAML file of rules; without one, every answer is made up.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", envvar="PORT")] = 8080,
    seed: Annotated[int, typer.Option(help="From which everything random derives.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="A request that no rule matches is an error with a rule to paste.")
    ] = False,
    require_key: Annotated[
        bool, typer.Option("--require-key", help="Answer 401 to requests without an API key.")
    ] = False,
    virtual_time: Annotated[
        bool, typer.Option("--virtual-time", help="Waits cost nothing: they move the session's clock instead.")
    ] = False,
    replay: Annotated[
        Path | None, typer.Option(help="A recording: it answers what no rule does; anything else is an error.")
    ] = None,
    speed: Annotated[float, typer.Option(help="How fast to replay: 2 is twice as fast, 0 without waiting.")] = 1.0,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="ASKED=RECORDED: a model that stands for a recorded one.")
    ] = None,
) -> None:
    """Serve OpenAI, Anthropic and the other protocols on one port.

    Point a client at it: OPENAI_BASE_URL=http://127.0.0.1:8080/v1, ANTHROPIC_BASE_URL=http://127.0.0.1:8080.
    Look at http://127.0.0.1:8080/_mock while it runs. A session of its own: .../s/my-test/v1.

    Example: mock-llm serve rules.yaml --port 8080 --strict
    """
    from mock_llm.serving import run

    pairs = [text.partition("=") for text in model or ()]
    for asked, _, recorded in pairs:
        if not asked or not recorded:
            typer.echo("mock-llm: write --model ASKED=RECORDED, for example --model gpt-4o-mini=gpt-4o", err=True)
            raise typer.Exit(64)
    raise typer.Exit(
        run(
            script,
            host=host,
            port=port,
            seed=seed,
            strict=strict,
            require_key=require_key,
            virtual_time=virtual_time,
            replay=replay,
            speed=speed,
            models={asked: recorded for asked, _, recorded in pairs},
        )
    )


@app.command()
def record(
    upstream: Annotated[str, typer.Option(help="URL of the provider, or of another mock, that answers.")],
    to: Annotated[Path, typer.Option(help="YAML file to write.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", envvar="PORT")] = 8080,
    append: Annotated[bool, typer.Option("--append", help="Go on behind what the file holds.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start the file anew.")] = False,
) -> None:
    """Pass requests on to a provider and write down what it answers, without secrets.

    Replay it with `mock-llm serve --replay FILE`.

    Example: mock-llm record --upstream https://api.openai.com --to chat.yaml
    """
    from mock_llm.recording.command import run

    if append and overwrite:
        typer.echo("mock-llm: --append and --overwrite exclude each other", err=True)
        raise typer.Exit(64)
    existing: Literal["refuse", "append", "overwrite"] = "append" if append else "overwrite" if overwrite else "refuse"
    raise typer.Exit(run(upstream, to, host=host, port=port, existing=existing))


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="YAML files of rules, or recordings.")],
) -> None:
    """Check rule files: unknown words, bad patterns, templates, rules that can never answer; and recordings.

    Prints `file:line: problem` for each and exits 1 if there was one.

    Example: mock-llm lint rules.yaml
    """
    from mock_llm.script.lint import lint_file

    problems = [problem for file in files for problem in lint_file(file)]
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(files)} file{'s' if len(files) > 1 else ''} checked, nothing wrong")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
