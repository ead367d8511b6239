"""The fold of transactions about subscriptions, where what an event is about may depend on the event itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from schemas.envelope import BusinessTransaction
from schemas.wallets import Wallet
from streams.audit.findings import Unsound
from streams.audit.folding import Fold
from streams.audit.scratch import in_folder
from streams.engine.boundary import SourceRecord
from tests.warehouse.played import BEGIN, Played
from tests.warehouse.switchboard import switchboard, television


def folded(path: Path, transactions: list[BusinessTransaction]) -> None:
    scratch = in_folder(path)
    fold = Fold(scratch)
    for offset, transaction in enumerate(transactions):
        fold.take(transaction, SourceRecord("transactions", 0, offset, BEGIN, b"nordlys", b""))
    scratch.close()


@pytest.mark.parametrize("history", [switchboard, television])
def test_entities_are_what_their_events_say(tmp_path: Path, history: Callable[[], Played]) -> None:
    folded(tmp_path, history().transactions)


def test_a_wallet_that_differs_from_its_events_is_found(tmp_path: Path) -> None:
    transactions = switchboard().transactions
    last = transactions[-1]
    forged = tuple(
        msgspec.structs.replace(
            change, entity=msgspec.structs.replace(change.entity, balance=change.entity.balance + 1)
        )
        if isinstance(change.entity, Wallet)
        else change
        for change in last.changes
    )
    with pytest.raises(Unsound, match="balance"):
        folded(tmp_path, [*transactions[:-1], msgspec.structs.replace(last, changes=forged)])
