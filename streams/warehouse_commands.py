"""`billfold warehouse`: what people do who use the warehouse that the sink fills.

Imports stand inside the commands, so that `billfold --help` loads neither Kafka nor DuckDB.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The warehouse that the sink fills.", no_args_is_help=True, rich_markup_mode="rich")

SHOWN_ROWS = 50


class ExportFormat(StrEnum):
    """How the files of an export are written."""

    PARQUET = "parquet"
    CSV = "csv"


@app.command()
def receipt() -> None:
    """Compare the warehouse with the topics: complete up to which offset, or the first difference. Exit code 1 for one.

    Per partition: offsets, and per table rows, sums of money and a digest, counted in the database and from the topic.

    Example: billfold warehouse receipt && echo complete
    """
    from streams.reaching import reach_configured
    from streams.receipt import run_receipt

    reach_configured()
    raise typer.Exit(run_receipt())


@app.command()
def rebuild(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables; without any, all that are filled from topics")
    ] = None,
) -> None:
    """Fill tables anew from the topics, beside the old ones, and swap them at once. Readers go on meanwhile.

    With a DuckDB file the sink has to be stopped for it; with PostgreSQL it goes on, too.

    Example: billfold warehouse rebuild fact_command_outcome log_account
    """
    from streams.reaching import reach_configured
    from streams.warehouse_rebuild import run_rebuild

    reach_configured()
    raise typer.Exit(run_rebuild(tables or []))


@app.command()
def gaps() -> None:
    """List transactions that do not continue their customer's sequence: something was lost or doubled. Exit code 1.

    Example: billfold warehouse gaps
    """
    from streams.warehouse_gaps import run_gaps

    raise typer.Exit(run_gaps())


@app.command()
def dictionary(
    names: Annotated[list[str] | None, typer.Argument(help="Tables or views; without any, a list of all")] = None,
) -> None:
    """Show what tables, views and columns mean. The same as pages: state/warehouse/docs.

    Example: billfold warehouse dictionary fact_wallet_entry
    """
    from streams.warehouse_documents import show_dictionary

    show_dictionary(names or [])


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="A table or view; without one, the list of questions")] = None,
    limit: Annotated[int, typer.Option(help="Show at most so many rows", min=1)] = SHOWN_ROWS,
) -> None:
    """Show the answer to one of the questions, or the rows of any table or view.

    Example: billfold warehouse ask active_customers_by_month
    """
    from streams.warehouse_answers import ask as answer

    answer(question, limit)


@app.command()
def export(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables or views; without any, all tables filled from the topics")
    ] = None,
    kind: Annotated[ExportFormat, typer.Option("--format", help="How files are written")] = ExportFormat.PARQUET,
    to: Annotated[Path | None, typer.Option(help="Folder; default: export/FORMAT beside the file")] = None,
    since: Annotated[
        str | None, typer.Option(help="First month, as 2026-03; earlier months stay as they were written")
    ] = None,
) -> None:
    """Write the warehouse into files: a folder a table, a folder a month (UTC) of occurred_at.

    Reads the published copy, or the server as it is at that moment. Personal data stays sealed.

    Running it again replaces whole months.

    Example: billfold warehouse export --format parquet --to /data/lake raw_transaction fact_wallet_entry

    Example: billfold warehouse export --format csv --since 2026-03
    """
    from streams.warehouse_answers import run_export

    run_export(tables or [], kind.value, to, since)


@app.command()
def unseal(
    query: Annotated[
        str | None, typer.Argument(help="SQL; plain.dim_account has the plain values of dim_account")
    ] = None,
    limit: Annotated[int, typer.Option(help="Show at most so many rows", min=1)] = SHOWN_ROWS,
) -> None:
    """Ask with personal data opened, for those who hold the vault's key. Nothing plain is stored.

    Reads the published copy; of a server it brings the tables that the SQL names into memory, sealed as they are.

    The function unseal(value, customer_id) opens any other text, JSON included. Without SQL it lists the plain views.

    Needs BILLFOLD_VAULT and BILLFOLD_KEY_ENCRYPTION_KEY_FILE.

    Example: billfold warehouse unseal "SELECT account_id, contact_email FROM plain.dim_account WHERE is_current"
    """
    from streams.warehouse_answers import run_unseal

    run_unseal(query, limit)


@app.command()
def contract(
    database: Annotated[
        Path | None, typer.Option(help="Path that the contract names; default: the published copy")
    ] = None,
    copy_to: Annotated[
        Path | None, typer.Option(help="Also write a copy that DuckDB 1.4 and later read, and name that one")
    ] = None,
) -> None:
    """Print the data contract (ODCS): tables, keys, quality rules, freshness. Check it with datacontract-cli.

    Types and address are those of the database in the settings.

    The tool comes with an older DuckDB, which cannot read the published copy: give it another with --copy-to.

    Example: billfold warehouse contract --copy-to copy.duckdb > contract.yaml && datacontract test contract.yaml
    """
    from streams.warehouse_answers import run_contract

    run_contract(database, copy_to)


@app.command()
def documents() -> None:
    """Write dictionary, star picture, data contract and dbt sources from the definitions into this project.

    Example: billfold warehouse documents && git diff --stat
    """
    from streams.warehouse_documents import write_documents

    written = write_documents()
    typer.echo("\n".join(written) if written else "All documents are current.")
