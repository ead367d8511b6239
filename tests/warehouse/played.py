"""Customers in memory: commands in, the core's own answers out, and a warehouse filled with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from processors.analytics import TABLE_OF, Origin, outcome_rows, transaction_rows
from processors.answering import Answered, Memory, Received, answer
from schemas import codec
from schemas.catalog import Catalog
from schemas.catalog_file import read_catalog
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord, Mode
from schemas.malformed import Misfit, read_body
from state.warehouse import Advance, Batch, Place, Source, Warehouse
from streams.stories.pure import KeptRows

NORDLYS = Path(__file__).parents[2] / "compose" / "catalogs" / "nordlys.yaml"
CATALOG = msgspec.structs.replace(read_catalog(NORDLYS), version=1)
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SOURCES = (Source("transactions", "cluster", "id-1", 1), Source("outcomes", "cluster", "id-2", 1))


Body = TypeVar("Body", bound=msgspec.Struct)


class Played:
    """The core over two dicts, and all that it said."""

    def __init__(self, catalog: Catalog = CATALOG) -> None:
        self.catalog = catalog
        self.at = BEGIN
        self.asked = 0
        self.answers: list[Answered] = []
        self._rows: dict[str, tuple[KeptRows, KeptRows]] = {}

    def on(self, day: str, hour: int = 8) -> Played:
        """Go to a day (UTC)."""
        self.at = datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")
        return self

    def ask(
        self,
        customer: str,
        command: str,
        *,
        by: str = "crm",
        mode: Mode = Mode.EXECUTE,
        performed_at: datetime | None = None,
        **body: Any,
    ) -> None:
        """Give one command, built from plain values."""
        built = read_body(command, body)
        assert not isinstance(built, Misfit), built
        self.asked += 1
        record = CommandRecord(
            command_id=f"c-{self.asked}",
            customer_id=customer,
            source=by,
            performed_by="ada",
            performed_at=performed_at,
            mode=mode,
            body=self.at_the_door(customer, built),
        )
        state, answers = self._rows.setdefault(customer, (KeptRows(), KeptRows()))
        memory = Memory(state=state, answers=answers, catalog_at=lambda _: self.catalog)
        received = Received(command=record, timestamp=self.at, partition=0, offset=self.asked, may_hold_card=False)
        for answered in answer(received, memory):
            assert answered.bug is None, answered.bug
            state.apply(answered.state)
            answers.apply(answered.answers)
            self.answers.append(answered)

    def at_the_door(self, customer: str, body: Body) -> Body:
        """What a door makes of a body: here nothing, personal data is sealed already."""
        del customer
        return body

    def account(self, customer: str, account_id: str = "a-1", **more: Any) -> None:
        """Create an account of the profile `mobile`: RESIDENTIAL, MONTHLY_1, ACTIVE."""
        self.ask(customer, "CreateAccount", account_id=account_id, **{"account_profile": "mobile", **more})

    @property
    def transactions(self) -> list[BusinessTransaction]:
        """As a reader of the topic gets them."""
        return [codec.TRANSACTION.decode(each.transaction_payload) for each in self.answers if each.transaction]

    @property
    def outcomes(self) -> list[CommandOutcome]:
        """As a reader of the topic gets them."""
        return [codec.OUTCOME.decode(each.outcome_payload) for each in self.answers if each.outcome]

    def rows(self) -> dict[str, list[Any]]:
        """All rows by table; offsets count up, one topic each."""
        rows: dict[str, list[Any]] = {}
        for offset, transaction in enumerate(self.transactions):
            for row in transaction_rows(transaction, Origin(0, offset, transaction.recorded_at)):
                rows.setdefault(TABLE_OF[type(row)], []).append(row)
        for offset, outcome in enumerate(self.outcomes):
            for fact in outcome_rows(outcome, Origin(0, offset, outcome.recorded_at)):
                rows.setdefault(TABLE_OF[type(fact)], []).append(fact)
        return rows

    def into(self, path: Place) -> Warehouse:
        """A new warehouse with all of it."""
        warehouse = Warehouse.open(path, SOURCES)
        warehouse.write(Batch(rows=self.rows(), advances=[Advance("transactions", 0, 0, len(self.transactions))]))
        return warehouse

    def found(self, tmp_path: Path, query: str) -> list[tuple[Any, ...]]:
        """What a new warehouse with all of it answers."""
        warehouse = self.into(tmp_path / "w.duckdb")
        try:
            return warehouse.rows(query)
        finally:
            warehouse.close()
