"""`billfold`: everything that an operator, an analyst or a developer does by hand.

Imports stand inside the commands, so that `billfold --help` loads neither Kafka nor RocksDB nor DuckDB.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.stories.commands import app as stories
from streams.warehouse_commands import app as warehouse

app = typer.Typer(
    name="billfold",
    help="A billing core whose state is a fold over Kafka.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
topics = typer.Typer(help="The topics: create and check.", no_args_is_help=True)
catalog = typer.Typer(help="The catalog: check, publish and show versions.", no_args_is_help=True)
contracts = typer.Typer(help="The Avro contracts, derived from the words in schemas/.", no_args_is_help=True)
schemas = typer.Typer(help="The schema registry.", no_args_is_help=True)
dead_letters = typer.Typer(help="Commands that could not be read, or met a bug.", no_args_is_help=True)
provisioning = typer.Typer(help="What is asked of the networks.", no_args_is_help=True)
app.add_typer(topics, name="topics")
app.add_typer(catalog, name="catalog")
app.add_typer(contracts, name="contracts")
app.add_typer(schemas, name="schemas")
app.add_typer(dead_letters, name="dlq")
app.add_typer(provisioning, name="provisioning")
app.add_typer(stories, name="story")
app.add_typer(warehouse, name="warehouse")


@app.command()
def worker() -> None:
    """Run a worker until it is stopped. Settings: BILLFOLD_* in the environment, or billfold.toml.

    Example: BILLFOLD_INSTANCE=worker-1 billfold worker
    """
    gc.disable()  # as run_worker does: a start without collections is a tenth of a second shorter
    _reach_kafka()
    from streams.running import run_worker

    run_worker()


@app.command()
def sink() -> None:
    """Write transactions and outcomes into the warehouse until stopped; rows and offsets commit together.

    Example: BILLFOLD_WAREHOUSE=/data/warehouse.duckdb billfold sink
    """
    _reach_kafka()
    from streams.sink import run_sink

    run_sink()


@app.command()
def eraser() -> None:
    """Destroy the data keys of erased customers until stopped."""
    from streams.eraser import run_eraser

    run_eraser()


@app.command()
def send(
    customer: Annotated[str, typer.Argument(help="Customer id")],
    command: Annotated[str, typer.Argument(help="Name of the command, for instance CreateAccount")],
    body: Annotated[str, typer.Argument(help="Body as JSON, - for standard input, or @FILE (JSON or YAML)")] = "{}",
    command_id: Annotated[
        str | None, typer.Option("--id", help="Command id; the same id again is the same command")
    ] = None,
    performed_by: Annotated[str, typer.Option(help="Who asks")] = "cli",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer")] = 30.0,
    *,
    preview: Annotated[bool, typer.Option("--preview", help="Only try: answers what would happen")] = False,
) -> None:
    """Send one command and print its outcome. Exit code 2 if it was refused.

    Example: billfold send nordlys CreateAccount '{"account_id": "a-1", "account_profile": "mobile"}'
    """
    from streams.sending import send_command

    raise typer.Exit(send_command(customer, command, body, command_id, performed_by, timeout, preview=preview))


@app.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C")] = False,
) -> None:
    """Start Kafka, a worker and the sink, play the Nordlys story, and show what became of it."""
    from streams.demo import run_demo

    run_demo(keep=keep)


@app.command()
def doctor(
    *,
    restore_offsets: Annotated[
        bool, typer.Option("--restore-offsets", help="Write back offsets that the workers' group has lost")
    ] = False,
) -> None:
    """Look at Kafka, topics, group, state and warehouse, and say what is wrong and what to type."""
    from streams import doctor

    raise typer.Exit(doctor.restore_offsets() if restore_offsets else doctor.examine())


@app.command()
def audit(
    customer: Annotated[str | None, typer.Option(help="Only this customer")] = None,
) -> None:
    """Check that nothing is lost, doubled, out of order or altered, from the first record to the last."""
    _reach_kafka()
    from streams.audit import run_audit

    raise typer.Exit(run_audit(customer))


@topics.command("create")
def topics_create() -> None:
    """Create the topics that are missing; leave the others as they are."""
    _reach_kafka()
    from streams import settings, topology

    configured = settings.load()
    created = topology.create(configured.client_properties(), configured.topology)
    typer.echo("\n".join(created) if created else "All topics are there.")


@topics.command("check")
def topics_check() -> None:
    """Compare partitions and configuration of every topic with what our promises rest on."""
    _reach_kafka()
    from streams import settings, topology

    configured = settings.load()
    topology.check(configured.client_properties(), configured.topology)
    typer.echo("All topics are as they must be.")


@catalog.command("check")
def catalog_check(file: Annotated[Path, typer.Argument(help="Catalog file, YAML")]) -> None:
    """Check a catalog file without publishing it."""
    from processors.catalog import check_version
    from schemas.catalog_file import read_catalog
    from streams.answers import print_violations

    found = check_version(None, read_catalog(file))
    if found:
        print_violations(found)
        raise typer.Exit(1)
    typer.echo(f"{file} can be published.")


@catalog.command("publish")
def catalog_publish(file: Annotated[Path, typer.Argument(help="Catalog file, YAML")]) -> None:
    """Publish a catalog file as the next version of its name. A published version is never changed."""
    _reach_kafka()
    from schemas.catalog_file import read_catalog
    from streams import settings
    from streams.catalogs import publish

    configured = settings.load()
    published = publish(configured.client_properties(), configured.topology.catalog, read_catalog(file))
    typer.echo(f"{published.name} version {published.version}, in force from {published.effective_from.isoformat()}")


@catalog.command("list")
def catalog_list(name: Annotated[str | None, typer.Argument(help="Name, default: the setting")] = None) -> None:
    """List the published versions of a catalog."""
    _reach_kafka()
    from streams import settings
    from streams.catalogs import read_versions

    configured = settings.load()
    wanted = name or configured.catalog
    versions = read_versions(configured.client_properties(), configured.topology.catalog, wanted)
    for version in versions:
        typer.echo(f"{version.name} {version.version} from {version.effective_from.isoformat()}")
    if not versions:
        typer.echo(f"No version of {wanted}: run `billfold catalog publish FILE`.")


@contracts.command("write")
def contracts_write() -> None:
    """Write the current contracts from the words; review the change as you would review code."""
    from schemas.contracts import write_contracts

    written = write_contracts()
    typer.echo("\n".join(written) if written else "All contracts are current.")


@contracts.command("release")
def contracts_release() -> None:
    """Freeze the current contracts as released versions; from then on changes must stay compatible with them."""
    from schemas.contracts import release_contracts

    released = release_contracts()
    typer.echo("\n".join(released) if released else "Nothing has changed since the last release.")


@schemas.command("push")
def schemas_push() -> None:
    """Register every contract with the registry of the settings, BACKWARD_TRANSITIVE. Producers never register."""
    from streams import settings
    from streams.registry import push

    push(settings.load())


@provisioning.command("reconcile")
def provisioning_reconcile(
    provider: Annotated[str, typer.Option(help="Provider, as the catalog names it")],
    actual: Annotated[
        Path,
        typer.Option(
            help="The provider's export, CSV or JSON lines: service_id, state (ACTIVE or INACTIVE), version; "
            "customer_id where customers have equal service ids"
        ),
    ],
    *,
    publish: Annotated[
        bool, typer.Option("--publish", help="Ask again for what differs; old versions harm nobody")
    ] = False,
) -> None:
    """Compare what a provider has with what it was asked for. Exit code 1 if something differs and is not asked again.

    What was asked after the export was made differs too: that is no fault, and asking again changes nothing.

    Example: billfold provisioning reconcile --provider SWITCH --actual switch.csv --publish
    """
    from streams.provisioning import run_reconcile

    raise typer.Exit(run_reconcile(provider, actual, again=publish))


@dead_letters.command("list")
def dead_letters_list(limit: Annotated[int, typer.Option(help="At most so many")] = 50) -> None:
    """Show dead letters: where they stood, why they are here."""
    _reach_kafka()
    from streams.dead_letters import show

    show(limit)


@dead_letters.command("resend")
def dead_letters_resend(
    partition: Annotated[int, typer.Argument(help="Partition of the dead letter topic")],
    offset: Annotated[int, typer.Argument(help="Offset there")],
) -> None:
    """Send one dead letter's bytes to the command topic again, after the fix."""
    _reach_kafka()
    from streams.dead_letters import resend

    resend(partition, offset)


def _reach_kafka() -> None:
    """End in one sentence, within seconds, where Kafka does not answer."""
    from streams.reaching import reach_configured

    reach_configured()


def main() -> None:
    """Run the command line; a mistake of the operator ends in one sentence, a bug of ours in its traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as failure:
        from streams.mistakes import sentence

        told = sentence(failure)
        if told is None:
            raise
        typer.echo(f"billfold: {told}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
