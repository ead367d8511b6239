"""The revision matrix as a table: base and revision in, compensation line out (REV-1 .. REV-12, INV-OBA-9)."""

from __future__ import annotations

import pytest

from processors.synchronization.matrix import CompensationLine, Values, compensate
from schemas.lineage import LineAction, LineSync, SyncState, ValueSet
from schemas.synchronization import Compensation

TRACKED = ("service_account", "billing_account", "billing_profile")
HQ: Values = {"service_account": "n-site", "billing_account": "n-hq", "billing_profile": "bp-hq"}
LAB: Values = {"service_account": "n-site", "billing_account": "n-lab", "billing_profile": "bp-lab"}
NOTHING: Values = dict.fromkeys(TRACKED)

ADD, UPDATE, MOVE_ADD, DELETE, NONE = LineAction


def applied(action: LineAction, now: Values, before: Values) -> LineSync:
    """What a line has in force."""
    return LineSync(
        state=SyncState.APPLIED,
        revision=1,
        action=action,
        row="REV-1",
        applied=dict(now),
        before={name: ValueSet(value=value) for name, value in before.items()},
    )


def line(
    row: str, action: Compensation, changed: Values | None = None, prior: Values | None = None
) -> CompensationLine:
    """What is expected."""
    return CompensationLine(row=row, action=action, line=dict(changed or {}), prior=dict(prior or {}))


TO_LAB = {"billing_account": "n-lab", "billing_profile": "bp-lab"}
TO_HQ = {"billing_account": "n-hq", "billing_profile": "bp-hq"}

ROWS = [
    # base, action in the revision, its values, the asset's values; what is done
    (None, ADD, HQ, NOTHING, line("REV-1", Compensation.ADD, HQ)),
    (applied(ADD, HQ, NOTHING), ADD, HQ, HQ, line("REV-2", Compensation.NONE)),
    (applied(ADD, HQ, NOTHING), ADD, LAB, HQ, line("REV-3", Compensation.UPDATE, TO_LAB, TO_HQ)),
    (applied(ADD, HQ, NOTHING), None, HQ, HQ, line("REV-4", Compensation.DELETE, NOTHING)),
    (applied(ADD, HQ, NOTHING), NONE, HQ, HQ, line("REV-4", Compensation.DELETE, NOTHING)),
    (None, UPDATE, LAB, HQ, line("REV-5", Compensation.UPDATE, TO_LAB, TO_HQ)),
    (None, UPDATE, HQ, HQ, line("REV-5", Compensation.UPDATE)),
    (applied(UPDATE, LAB, HQ), UPDATE, LAB, LAB, line("REV-6", Compensation.NONE)),
    (applied(UPDATE, LAB, HQ), UPDATE, HQ, LAB, line("REV-7", Compensation.UPDATE, TO_HQ, TO_LAB)),
    (applied(UPDATE, LAB, HQ), None, LAB, LAB, line("REV-8", Compensation.UPDATE, TO_HQ, TO_LAB)),
    (None, MOVE_ADD, LAB, HQ, line("REV-9", Compensation.MOVE_ADD, TO_LAB, TO_HQ)),
    (applied(MOVE_ADD, LAB, HQ), MOVE_ADD, LAB, LAB, line("REV-10", Compensation.NONE)),
    (applied(MOVE_ADD, LAB, HQ), MOVE_ADD, HQ, LAB, line("REV-11", Compensation.MOVE_ADD, TO_HQ, TO_LAB)),
    (applied(MOVE_ADD, LAB, HQ), NONE, LAB, LAB, line("REV-12", Compensation.MOVE_ADD, TO_HQ, TO_LAB)),
]


@pytest.mark.parametrize(
    ("base", "action", "new", "current", "expected"), ROWS, ids=lambda value: getattr(value, "row", "")
)
def test_a_row_of_the_matrix(
    base: LineSync | None, action: LineAction | None, new: Values, current: Values, expected: CompensationLine
) -> None:
    found = compensate(base, action, new, TRACKED, current)

    assert found == expected


@pytest.mark.parametrize("action", [None, DELETE, NONE])
def test_a_line_that_has_nothing_in_force_and_asks_for_nothing_is_ignored(action: LineAction | None) -> None:
    assert compensate(None, action, HQ, TRACKED, HQ) is None


def test_a_chain_of_revisions_goes_back_to_its_beginning() -> None:
    """REV-15: `before` stays that of the first, `prior` names the last."""
    twice = applied(UPDATE, LAB | {"billing_profile": "bp-lab2"}, HQ)  # type: ignore[operator]

    found = compensate(twice, None, LAB, TRACKED, LAB)

    assert found == line("REV-8", Compensation.UPDATE, TO_HQ, TO_LAB | {"billing_profile": "bp-lab2"})


def test_an_owner_that_is_followed_from_now_on_counts_as_changed() -> None:
    """REV-17: the owner in force is null."""
    tracked, new = (*TRACKED, "owner_account"), HQ | {"owner_account": "n-group"}  # type: ignore[operator]

    found = compensate(applied(ADD, HQ, NOTHING), ADD, new, tracked, HQ)

    assert found == line("REV-3", Compensation.UPDATE, {"owner_account": "n-group"}, {"owner_account": None})
