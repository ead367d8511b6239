"""What an order's customer data costs: 500 lines over 200 accounts decided; the limit is 20 milliseconds.

The same answered, rows and contracts included; again, when nothing is left to do; taken back. And a corporate tree of
5,000 accounts in one command, and their order of billing.
Run it: python -m bench.synchronization (--profile: which functions the decision spends its time in)
"""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Callable
from time import process_time
from typing import Any, cast
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from processors.billing_profiles.ordering import billing_order
from processors.context import Context
from processors.decision import Accepted, Refused
from processors.decisions import decide
from schemas.malformed import Misfit, read_body
from schemas.synchronization import SynchronizeOrderBillingAccounts
from schemas.words import AskedCommand
from streams.running import collect_rarely
from tests.accounts.book import CUSTOMER, Book, completed, new_service

LIMIT_MILLISECONDS = 20.0
LINES, PAYERS, SHOPS = 500, 20, 180
NODES = 5_000
ROUNDS = 10
SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
PERSON = {"contact": {"last_name": SEALED}, "address": {"street": SEALED, "city": SEALED, "country": SEALED}}
CORPORATE = "CORPORATE"


def account(name: str, **more: Any) -> dict[str, Any]:
    """Data of an account."""
    return {"account_id": name, "account_profile": "mobile", **PERSON, **more}


def profile(name: str) -> dict[str, Any]:
    """Data of an account's paying profile."""
    return {
        "billing_profile_id": f"bp-{name}",
        "account": {"account_id": name},
        "frequency": "MONTHLY",
        "payment_method": {"kind": "INVOICE"},
        **PERSON,
    }


def lines(first: int = 0) -> list[dict[str, Any]]:
    """So many lines over so many accounts."""
    return [
        new_service(f"l-{number}", f"n-{number % SHOPS}", f"hq-{number % SHOPS % PAYERS}")
        for number in range(first, first + LINES)
    ]


def data() -> dict[str, Any]:
    """What is missing for them."""
    payers = [f"hq-{number}" for number in range(PAYERS)]
    shops = [f"n-{number}" for number in range(SHOPS)]
    return {
        "accounts": [account(name) for name in payers + shops],
        "billing_profiles": [profile(name) for name in payers],
    }


def tree() -> dict[str, Any]:
    """A corporate tree, ten under each node."""
    nodes: list[dict[str, Any]] = [{"account": {"account_id": "n-0"}, "parent": None}]
    nodes += [
        {"account": {"account_id": f"n-{number}"}, "parent": {"account_id": f"n-{(number - 1) // 10}"}}
        for number in range(1, NODES)
    ]
    return {
        "billing_profiles": [profile("n-0")],
        "corporate_hierarchies": [{"corporate_account": {"account_id": "n-0"}, "nodes": nodes}],
    }


def ordered(told: list[dict[str, Any]], **switches: Any) -> Book:
    """A customer whose order is in flight."""
    book = Book(default_billing_system="BRM-1", **switches)
    completed(book.ask("SubmitOrder", order_id="o-1", lines=told))
    return book


def synchronizing(order_id: str = "o-1", **more: Any) -> SynchronizeOrderBillingAccounts:
    """The command, read from what a door gets."""
    built = read_body("SynchronizeOrderBillingAccounts", {"order_id": order_id, **more})
    assert not isinstance(built, Misfit), built
    return cast("SynchronizeOrderBillingAccounts", built)


def deciding(book: Book, command: SynchronizeOrderBillingAccounts) -> Callable[[], int]:
    """The decision alone: from rows to events, nothing encoded and nothing stored. Answers how many events."""
    context = Context(
        at=book.at, command_id="c-2", customer_id=CUSTOMER, catalog=book.catalog, zone=ZoneInfo(book.catalog.time_zone)
    )

    def decided() -> int:
        decision = decide(book.view(), cast("AskedCommand", command), context)
        assert not isinstance(decision, Refused), decision
        return len(decision.events if isinstance(decision, Accepted) else decision)

    return decided


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        began = process_time()
        work()
        best = min(best, process_time() - began)
    return best * 1e3


def main() -> int:
    """Print what all of it costs; 1 if the decision takes too long."""
    collect_rarely()
    table = Table(title="Customer data of orders")
    table.add_column("what")
    table.add_column("events", justify="right")
    table.add_column("cost", justify="right")

    def row(what: str, events: object, spent: float) -> None:
        table.add_row(what, str(events), f"{spent:,.1f} ms")

    command = synchronizing(**data())
    book = ordered(lines())
    decided = deciding(book, command)
    if "--profile" in sys.argv:
        return show_profile(decided)
    spent = milliseconds(decided)
    row(f"{LINES} lines over {PAYERS + SHOPS} new accounts, decided", decided(), spent)
    whole = milliseconds(lambda: completed(book.ask(command)), rounds=1)
    row("the same, answered: rows, contracts, chain", len(book.history), whole)
    row("the same again: nothing to do", 0, milliseconds(lambda: completed(book.ask(command)), rounds=3))
    completed(book.ask("SubmitOrder", order_id="o-2", lines=lines(LINES)))
    known = deciding(book, synchronizing("o-2"))
    row("as many lines, all accounts there, decided", known(), milliseconds(known))
    again = ordered(lines()).ask
    again(command)
    gone = milliseconds(lambda: completed(again("CancelOrder", order_id="o-1", reason="no more")), rounds=1)
    row("its cancellation: all of it is taken back", "", gone)
    grown = synchronizing(**tree())
    corporate = ordered([new_service("l-0", "n-1", "n-0")], corporate_account_type=CORPORATE)
    for number in range(NODES):  # a command may bring no more than 500 of them along
        completed(corporate.ask("CreateAccount", **account(f"n-{number}", type=CORPORATE)))
    before = len(corporate.history)
    deciding_tree = deciding(corporate, grown)
    row(f"a corporate tree of {NODES:,} accounts, decided", deciding_tree(), milliseconds(deciding_tree, rounds=2))
    whole = milliseconds(lambda: completed(corporate.ask(grown)), rounds=1)
    row("the same, answered", len(corporate.history) - before, whole)
    row("billing order of the customer", "", milliseconds(lambda: billing_order(corporate.view()), rounds=2))
    Console().print(table)
    return int(spent > LIMIT_MILLISECONDS)


def show_profile(work: Callable[[], object]) -> int:
    """Where the decision spends its time."""
    with cProfile.Profile() as found:
        for _ in range(ROUNDS):
            work()
    pstats.Stats(found).sort_stats("tottime").print_stats(25)
    return 0


if __name__ == "__main__":
    sys.exit(main())
