"""The warehouse's receipt, on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from streams.completeness import completeness
from streams.schema_ids import use_registry
from streams.settings import Settings, load


def run_receipt(settings: Settings | None = None) -> int:
    """Print per partition what the warehouse has and whether that is what the topic says; 1 if it is not, else 0."""
    configured = settings or load()
    use_registry(configured)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading the topics", total=None)
        receipts = completeness(configured, lambda done, whole: progress.update(task, completed=done, total=whole))
    for receipt in receipts:
        style = "green" if receipt.complete else "red"
        console.print(receipt.sentence, style=style, highlight=False, soft_wrap=True)
        for table, tally in receipt.found.items():
            if tally.rows:
                sums = "".join(f", {name} {value.normalize():f}" for name, value in tally.sums.items())
                told = f"  {table}: {tally.rows:,} rows{sums}, digest {tally.digest:x}"
                console.print(told, style="dim", highlight=False, soft_wrap=True)
    whole = all(receipt.complete for receipt in receipts)
    rows = sum(tally.rows for receipt in receipts for tally in receipt.found.values())
    told = f"The warehouse has what the topics say: {rows:,} rows." if whole else "The warehouse is not complete."
    console.print(told, style="green" if whole else "red", highlight=False)
    return 0 if whole else 1
