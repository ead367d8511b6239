"""`billfold demo`: a real Kafka, a worker, the sink, and the Nordlys story as real commands; then what became of it."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose import discovery
from processors.customer import Rows
from schemas.catalog import Catalog
from schemas.customers import CustomerRegistered
from schemas.envelope import CommandOutcome, CommandRecord, Status
from state.warehouse.published_copy import copy_path
from streams import settings
from streams.answers import COLOURS, print_violations
from streams.stories import report
from streams.stories.format import read_story
from streams.stories.live import LiveRun, LiveStage
from streams.stories.runner import play
from streams.stories.stage import Came
from streams.vault import Vault

NO_TERMINAL_COLUMNS = 140

STORY = Path(__file__).parent.parent / "compose" / "stories" / "nordlys.yaml"

SHOWN: dict[str, str] = {
    "Orders, as they are now": """
        SELECT order_id, revision, state, account_sync AS customer_data, lines_billed, lines_cancelled,
            compensates_order_id AS undoes
        FROM dim_order WHERE is_current ORDER BY submitted_at, order_id""",
    "Order lines: who locked what, and when": """
        SELECT order_id, line_id, service_action AS action, product, state, locked_at, locked_by, lock_scope AS scope,
            version_billed AS billed, changes_refused_by_lock AS refused, compensated_by_order_id AS undone_by
        FROM fact_order_line ORDER BY submitted_at, order_id, locked_at""",
    "Updates of the billing system": """
        SELECT order_id, scope, trim(line_ids, '[]"') AS lines, decided_at, performed_by, status,
            services_added AS added, services_ended AS ended, trim(codes, '[]"') AS refused_for
        FROM fact_billing_system_update ORDER BY decided_at, status DESC""",
    "Who pays for which service": """
        SELECT service_id, product, service_account_id AS used_by, paying_account_id AS paid_by, paying_profile_id AS "on",
            valid_from AS since, valid_to AS until
        FROM service_payers ORDER BY service_id, valid_from""",
    "Payments taken with an order": """
        SELECT payment_id, order_id, state, amount::DECIMAL(12, 2) AS amount, currency, billing_profile_id, recorded_at
        FROM fact_payment ORDER BY recorded_at""",
    "Billing periods": """
        SELECT account_id, number, "start", "end", kind, bill_cycle, days, of_days, round(proration, 3) AS proration
        FROM fact_billing_period ORDER BY account_id, number""",
    "Bill cycle changes": """
        SELECT from_code, to_code, outcome, trigger, planned_for, round(lead_time_days, 1) AS lead_days, performed_by
        FROM fact_bill_cycle_change ORDER BY requested_at""",
    "The purse": """
        SELECT kind, occurred_at::DATE AS day, string_agg(product, ', ' ORDER BY entry_number) AS products,
            sum(amount)::DECIMAL(12, 2) AS amount, arg_max(balance_after, entry_number)::DECIMAL(12, 2) AS balance
        FROM fact_wallet_entry GROUP BY kind, occurred_at ORDER BY min(entry_number)""",
    "The switchboard's channels": """
        SELECT product, direction, effective_at AS since, charged_amount::DECIMAL(12, 2) AS charged, performed_by
        FROM fact_bundle_amendment ORDER BY effective_at, direction DESC""",
    "Accounts, as they are now": """
        SELECT account_id, parent_account_id AS parent, type, state, reason, bill_cycle, currency
        FROM dim_account WHERE is_current ORDER BY account_id""",
}
"""What is shown of the warehouse, each by the question that a person would ask."""


class Narrated:
    """A live stage that tells what comes back."""

    def __init__(self, stage: LiveStage, console: Console) -> None:
        self._stage, self._console = stage, console
        self._zone = ZoneInfo("UTC")

    @property
    def rows(self) -> Rows:
        """The state table."""
        return self._stage.rows

    @property
    def vault(self) -> Vault:
        """The story's keys."""
        return self._stage.vault

    @property
    def prefix(self) -> str:
        """What stands before customer ids."""
        return self._stage.prefix

    def send(self, record: CommandRecord, at: datetime) -> Sequence[Came]:
        """Send, and tell each answer."""
        came = self._stage.send(record, at)
        for one in came:
            for change in one.transaction.changes if one.transaction else ():
                if isinstance(change.event, CustomerRegistered):
                    self._zone = ZoneInfo(change.event.time_zone)
            if one.outcome is not None:
                self._tell(one.outcome, one)
        return came

    def publish(self, catalog: Catalog) -> None:
        """Publish a catalog version."""
        self._stage.publish(catalog)

    def _tell(self, outcome: CommandOutcome, came: Came) -> None:
        events = [type(change.event).__name__ for change in came.transaction.changes] if came.transaction else []
        told = ", ".join(events) or ", ".join(f"would happen: {type(event).__name__}" for event in outcome.events)
        if outcome.repeated:
            told = "the same answer again"
        local = outcome.decided_at.astimezone(self._zone)
        self._console.print(
            f"{local:%Y-%m-%d %H:%M}  {outcome.source:<6} {outcome.command_type:<30} "
            f"[{COLOURS[outcome.status]}]{outcome.status:<10}[/] {escape(told)}",
            highlight=False,
        )
        if outcome.status is Status.REJECTED:
            print_violations(outcome.violations, self._console)


def run_demo(*, keep: bool) -> None:
    """Play the story and show the warehouse; everything that was started ends with the demo."""
    console = wide_console()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="billfold-demo-") as folder, console.status("Starting Kafka") as status:
        configured = settings.load()
        given = configured.bootstrap_servers if "bootstrap_servers" in configured.model_fields_set else None
        with discovery.kafka(Path(folder), given=given, say=status.update) as kafka:
            console.print(f"Kafka is {kafka.story}", style="dim")
            status.update("Starting a worker and the sink")
            with LiveRun(kafka.address) as run:
                stage = run.stage(read_story(STORY))
                console.print(f"\n[bold]{escape(stage.story.title)}[/]")
                failure = play(stage.story, Narrated(stage, console))
                if failure is not None:
                    console.print(report.failed(stage.story, failure))
                    raise SystemExit(1)
                status.update("Waiting until the warehouse has all of it")
                for disagreement in run.disagreements():
                    console.print(disagreement)
                    raise SystemExit(1)
                status.stop()
                show_warehouse(copy_path(run.settings.warehouse), console)
                console.print(f"\nDone in {time.monotonic() - began:.0f} s, {len(stage.transactions)} transactions.")
                if keep:
                    stay(kafka.address, run.settings.warehouse, console)
    console.print("Again: `make demo`. To look around while it runs: `.venv/bin/billfold demo --keep`.", style="dim")


def wide_console() -> Console:
    """The terminal; where there is none (a pipe, CI) wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=NO_TERMINAL_COLUMNS)


def show_warehouse(file: Path, console: Console) -> None:
    """Print a few tables of a warehouse as a person would want to read them."""
    with duckdb.connect(str(file), read_only=True) as warehouse:
        for title, question in SHOWN.items():
            answer = warehouse.execute(question)
            table = Table(*(str(column[0]) for column in answer.description or ()), title=title, title_justify="left")
            for row in answer.fetchall():
                table.add_row(*("" if value is None else str(value) for value in row))
            console.print()
            console.print(table)


def stay(bootstrap: str, warehouse: Path, console: Console) -> None:
    """Keep everything running until Ctrl-C."""
    console.print(
        f"\nKafka: {bootstrap}\nWarehouse (a copy for readers): {copy_path(warehouse)}\nCtrl-C stops everything."
    )
    threading.Event().wait()
