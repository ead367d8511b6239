"""Outcomes for people: what happened to a command, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.markup import escape

from schemas.envelope import CommandOutcome, Status
from schemas.refusals import Violation

COLOURS = {Status.COMPLETED: "green", Status.REJECTED: "red", Status.PREVIEWED: "cyan"}


def print_outcome(outcome: CommandOutcome, console: Console | None = None) -> None:
    """One line for the answer, one for each violation, then the touched entities as JSON."""
    console = console or Console()
    colour = COLOURS[outcome.status]
    notes = [
        "repeated" if outcome.repeated else "",
        "" if outcome.changed or outcome.status is Status.REJECTED else "changed nothing",
        f"transaction {outcome.sequence}" if outcome.sequence else "",
    ]
    told = ", ".join(note for note in notes if note)
    console.print(f"[{colour}]{outcome.status}[/] {outcome.command_type} {escape(outcome.command_id)} {told}")
    print_violations(outcome.violations, console)
    for event in outcome.events:
        console.print(f"  would happen: {type(event).__name__} {escape(plain(event))}", highlight=False)
    for entity in outcome.entities:
        console.print(f"  {type(entity).__name__} {escape(plain(entity))}", highlight=False)


def print_violations(violations: Iterable[Violation], console: Console | None = None) -> None:
    """Code, rule, field and the values involved, a line each."""
    console = console or Console()
    for found in violations:
        carried = " ".join(f"{name}={value}" for name, value in found.carries.items())
        where = f" at {found.path}" if found.path else ""
        console.print(f"  [red]{found.code}[/] ({found.rule}){where} {escape(carried)}", highlight=False)


def plain(word: msgspec.Struct) -> str:
    """A word as JSON, fields without a value left out."""
    fields = {name: value for name, value in msgspec.to_builtins(word).items() if value not in (None, [], {}, False)}
    return msgspec.json.encode(fields).decode()
