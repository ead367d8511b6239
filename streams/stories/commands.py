"""`billfold story`: run stories, look for rules that none shows, write one from the log.

Imports stand inside the commands, so that neither `billfold --help` nor a worker loads what only stories need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STORIES = Path("tests/stories")

app = typer.Typer(help="Stories: the executable specification.", no_args_is_help=True)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Story files, or folders of them")],
    *,
    live: Annotated[bool, typer.Option("--live", help="Through Kafka, a worker and the warehouse sink")] = False,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers for --live; default: the settings'")] = None,
) -> None:
    """Run stories. Exit code 1 if any fails.

    Example: billfold story check tests/stories/bill_cycles
    """
    from streams.stories.checking import check_stories

    raise typer.Exit(0 if check_stories(paths, live=live, kafka=kafka) else 1)


@app.command()
def rules(
    domain: Annotated[
        list[str] | None, typer.Option(help="Only this domain, for instance bill-cycles; may be given again")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder of the stories, the list of rules and the exemptions")] = STORIES,
) -> None:
    """Print the rules that no story shows, and those that a test shows instead. Exit code 1 if there are gaps.

    Example: billfold story rules --domain bill-cycles
    """
    from streams.stories.checking import show_gaps

    raise typer.Exit(0 if show_gaps(domain or (), folder) else 1)


@app.command()
def record(
    customer: Annotated[str, typer.Option(help="Customer id")],
    output: Annotated[Path | None, typer.Option(help="File to write; default: print")] = None,
) -> None:
    """Write a story from the live log: what happened to a customer becomes a regression test.

    Example: billfold story record --customer nordlys --output tests/stories/found/nordlys.yaml
    """
    from streams import settings
    from streams.stories.log import NothingRecorded, record_customer

    try:
        written = record_customer(settings.load(), customer)
    except NothingRecorded as nothing:
        typer.echo(str(nothing), err=True)
        raise typer.Exit(1) from None
    if output is None:
        typer.echo(written, nl=False)
    else:
        output.write_text(written, encoding="utf-8")
        typer.echo(f"{output}: run it with `billfold story check {output}`.")
