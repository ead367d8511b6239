"""What one computation of a billing period costs. The limit is 5 microseconds.

Run it: python -m bench.periods
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from itertools import cycle as round_and_round
from itertools import islice
from time import process_time
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from processors.periods import first_period, resolve, start_of_day
from schemas.bill_cycles import BillCycleSetting
from schemas.catalog import BillCycleDefinition, CyclePeriod

LIMIT_MICROSECONDS = 5.0
ROUNDS, CALLS = 60, 2_000
ZONE = ZoneInfo("Europe/Stockholm")
DAYS = [date(2026, 1, 1) + timedelta(days=passed) for passed in range(1461)]
CYCLES = {
    "monthly on the 1st": BillCycleDefinition(code="X", period=CyclePeriod.MONTH, billing_day=1),
    "monthly on the 31st": BillCycleDefinition(code="X", period=CyclePeriod.MONTH, billing_day=31),
    "quarterly on the 10th": BillCycleDefinition(code="X", period=CyclePeriod.MONTH, every=3, billing_day=10),
    "yearly on 29 February": BillCycleDefinition(code="X", period=CyclePeriod.YEAR, billing_month=2, billing_day=29),
    "every other Wednesday": BillCycleDefinition(code="X", period=CyclePeriod.WEEK, every=2, billing_day=3),
    "daily": BillCycleDefinition(code="X", period=CyclePeriod.DAY),
}


def microseconds(definition: BillCycleDefinition) -> float:
    """Resolve the cycle, compute the period and describe it: the best of many short rounds."""
    setting = BillCycleSetting(code="X")
    best = float("inf")
    for _ in range(ROUNDS):
        days = list(islice(round_and_round(DAYS), CALLS))
        began = process_time()
        for day in days:
            first_period(resolve(definition, setting, ZONE), day, 1)
        best = min(best, process_time() - began)
    return best / CALLS * 1e6


def microseconds_of_start() -> float:
    """The same for the first instant of a day, which every due moment needs."""
    best = float("inf")
    for _ in range(ROUNDS):
        days = list(islice(round_and_round(DAYS), CALLS))
        began = process_time()
        for day in days:
            start_of_day(day, ZONE)
        best = min(best, process_time() - began)
    return best / CALLS * 1e6


def main() -> int:
    """Print the table. Exit code 1 if a period costs more than the limit."""
    table = Table("computation", "microseconds", title="Billing periods", title_justify="left")
    costs = {name: microseconds(definition) for name, definition in CYCLES.items()}
    for name, cost in costs.items():
        table.add_row(f"period, {name}", f"{cost:.2f}")
    table.add_row("first instant of a local day", f"{microseconds_of_start():.2f}")
    Console().print(table)
    slowest = max(costs, key=lambda name: costs[name])
    print(f"slowest: {slowest}, {costs[slowest]:.2f} of {LIMIT_MICROSECONDS:.0f} microseconds allowed")
    return int(costs[slowest] > LIMIT_MICROSECONDS)


if __name__ == "__main__":
    sys.exit(main())
