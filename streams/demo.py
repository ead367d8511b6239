"""`billfold demo`: a real Kafka, a worker, the sink, and the Nordlys story as real commands; then what became of it."""

from __future__ import annotations

import re
import signal
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from compose import discovery
from processors import clock
from processors.view.customer import Rows
from schemas.catalog import Catalog
from schemas.customers import CustomerRegistered
from schemas.envelope import CommandOutcome, CommandRecord, Status
from state.warehouse.published_copy import copy_path
from streams import settings
from streams.answers import COLOURS
from streams.stories import report
from streams.stories.format import read_story
from streams.stories.live import LiveRun, LiveStage
from streams.stories.runner import play
from streams.stories.stage import Came
from streams.stories.story import Do, Story
from streams.vault import Vault

NO_TERMINAL_COLUMNS = 140
INDENT = 18
"""Under the commands: as far as date and time reach."""
NO_BREAK = "\N{NO-BREAK SPACE}"
CHAPTER = re.compile(r"\s*# --- (.+)")

STORY = Path(__file__).parent.parent / "compose" / "stories" / "nordlys.yaml"

SHOWN: dict[str, str] = {
    "Orders, as they are now": """
        SELECT order_id, revision, state, account_sync AS customer_data, lines_billed, lines_cancelled,
            compensates_order_id AS undoes
        FROM dim_order WHERE is_current ORDER BY submitted_at, order_id""",
    "Order lines: who locked what, and when": """
        SELECT order_id, left(line_id, 12) AS line, service_action AS action, product, state, locked_at, locked_by,
            version_billed AS version, changes_refused_by_lock AS refused, compensated_by_order_id AS undone_by
        FROM fact_order_line ORDER BY submitted_at, order_id, locked_at""",
    "Updates of the billing system": """
        SELECT order_id, scope, left(trim(line_ids, '[]"'), 12) AS line, decided_at, performed_by, status,
            services_added AS added, services_ended AS ended, trim(codes, '[]"') AS refused_for
        FROM fact_billing_system_update ORDER BY decided_at""",
    "Who pays for which service": """
        SELECT service_id, product, service_account_id AS used_by, paying_account_id AS paid_by,
            paying_profile_id AS profile, valid_from AS since, valid_to AS until
        FROM service_payers
        SEMI JOIN (SELECT service_id FROM dim_subscription_service WHERE is_current AND state = 'EFFECTIVE')
            USING (service_id)
        ORDER BY service_id, valid_from""",
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
        SELECT kind, occurred_at AS moment, string_agg(product, ', ' ORDER BY entry_number) AS products,
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
    """A live stage that tells what comes back, chapter by chapter."""

    def __init__(self, stage: LiveStage, console: Console) -> None:
        self._stage, self._console = stage, console
        self._chapters = dict(chapters(stage.story))
        self.zone = ZoneInfo("UTC")
        """The customer's own, once it is registered."""

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
        if (chapter := self._chapters.pop(record.command_id, None)) is not None:
            self._console.print(Text(f"\n{chapter}", style="bold"))
        came = self._stage.send(record, at)
        for one in came:
            for change in one.transaction.changes if one.transaction else ():
                if isinstance(change.event, CustomerRegistered):
                    self.zone = ZoneInfo(change.event.time_zone)
            # The clock's own record finds its work done already: that tells nothing new.
            if one.outcome is not None and not (one.outcome.repeated and one.outcome.source == clock.SOURCE):
                self._tell(one.outcome, one)
        return came

    def publish(self, catalog: Catalog) -> None:
        """Publish a catalog version."""
        self._stage.publish(catalog)

    def _tell(self, outcome: CommandOutcome, came: Came) -> None:
        changes = came.transaction.changes if came.transaction else ()
        told = counted(type(change.event).__name__ for change in changes)
        if outcome.status is Status.PREVIEWED:
            told = f"would happen: {counted(type(event).__name__ for event in outcome.events)}"
        if outcome.repeated:
            told = "the same answer again"
        local = outcome.decided_at.astimezone(self.zone)
        asked = f"{local:%Y-%m-%d %H:%M}  {outcome.performed_by:<6} {outcome.command_type:<32}"
        first, *more = textwrap.wrap(
            f"{asked}{outcome.status:<10} {told}", self._console.width, subsequent_indent=" " * INDENT
        )
        line = Text(first)
        line.stylize(COLOURS[outcome.status], len(asked), len(asked) + len(outcome.status))
        self._console.print(Text("\n").join((line, *map(Text, more))))
        for found in outcome.violations:
            # A list of particulars would fill the screen: it is in the outcome.
            carried = (f"{name}={value}" for name, value in found.carries.items() if not (value or "").startswith("["))
            refused = textwrap.wrap(
                f"{found.code} ({found.rule}) {' '.join(carried)}",
                self._console.width,
                initial_indent=" " * INDENT,
                subsequent_indent=" " * INDENT,
            )
            self._console.print(Text("\n".join(refused), style=COLOURS[outcome.status]))


def chapters(story: Story) -> Iterable[tuple[str, str]]:
    """The story's comments that begin with `---`, each with the id of the command that follows it."""
    commands = [(step.line, step.asked.command_id) for step in story.steps if isinstance(step, Do)]
    for number, line in enumerate(story.path.read_text().splitlines(), start=1):
        if (found := CHAPTER.fullmatch(line)) is not None:
            yield next(command for at, command in commands if at > number), found[1]


def counted(names: Iterable[str]) -> str:
    """Names in their order, neighbours of one name told once, with how many they are."""
    runs = ((name, len(list(run))) for name, run in groupby(names))
    return ", ".join(name if times == 1 else f"{times}{NO_BREAK}{name}" for name, times in runs)


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
                status.update("Playing the story")
                narrated = Narrated(stage, console)
                failure = play(stage.story, narrated)
                if failure is not None:
                    console.print(report.failed(stage.story, failure))
                    raise SystemExit(1)
                status.update("Waiting until the warehouse has all of it")
                for disagreement in run.disagreements():
                    console.print(disagreement)
                    raise SystemExit(1)
                status.stop()
                show_warehouse(copy_path(run.settings.warehouse), narrated.zone, console)
                console.print(f"\nDone in {time.monotonic() - began:.0f} s, {len(stage.transactions)} transactions.")
                if keep:
                    stay(run.settings, console)
    console.print("Again: `make demo`. To look around while it runs: `.venv/bin/billfold demo --keep`.", style="dim")


def wide_console() -> Console:
    """The terminal; where there is none (a pipe, CI) wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=NO_TERMINAL_COLUMNS)


def show_warehouse(file: Path, zone: ZoneInfo, console: Console) -> None:
    """Print a few tables of a warehouse as a person would want to read them, moments in the customer's time."""
    with duckdb.connect(str(file), read_only=True) as warehouse:
        for title, question in SHOWN.items():
            answer = warehouse.execute(question)
            table = Table(*(str(column[0]) for column in answer.description or ()), title=title, title_justify="left")
            for row in answer.fetchall():
                table.add_row(*(shown(value, zone) for value in row))
            console.print()
            console.print(table)


def shown(value: object, zone: ZoneInfo) -> str:
    """One value of a table: nothing for null, a moment to the minute."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    return escape(str(value))


def stay(running: settings.Settings, console: Console) -> None:
    """Keep everything running until Ctrl-C, and say how other commands find it."""
    found = {
        "BOOTSTRAP_SERVERS": running.bootstrap_servers,
        "TOPIC_PREFIX": running.topic_prefix,
        "GROUP": running.group,
        "PARTITIONS": running.partitions,
        "CLOCK": running.clock.value,
        "WAREHOUSE": running.warehouse,
    }
    console.print("\nTo look around in another terminal, for instance with `.venv/bin/billfold warehouse receipt`:\n")
    for name, value in found.items():
        console.print(f"export BILLFOLD_{name}={value}", highlight=False, soft_wrap=True)
    console.print(f"\nReaders open the copy: {copy_path(running.warehouse)}\nCtrl-C stops everything.", soft_wrap=True)
    threading.Event().wait()
