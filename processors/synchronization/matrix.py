"""The revision matrix: what a line does to customer data, compared with what it has in force (REV-1 .. REV-12).

The CRM sends the full order each time; nobody has to send compensation lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schemas.lineage import LineAction, LineSync
from schemas.synchronization import Compensation

Values = Mapping[str, str | None]

SERVICE_ACCOUNT, BILLING_ACCOUNT = "service_account", "billing_account"
BILLING_PROFILE, OWNER_ACCOUNT = "billing_profile", "owner_account"

WHO_PAYS = (SERVICE_ACCOUNT, BILLING_ACCOUNT, BILLING_PROFILE)
"""What decides where an account stands, and who covers it."""

SYNCED = (LineAction.ADD, LineAction.UPDATE, LineAction.MOVE_ADD)
"""Actions that customer data follows (LIN-1)."""

_ROWS = {
    LineAction.ADD: ("REV-1", "REV-2", "REV-3", "REV-4"),
    LineAction.UPDATE: ("REV-5", "REV-6", "REV-7", "REV-8"),
    LineAction.MOVE_ADD: ("REV-9", "REV-10", "REV-11", "REV-12"),
}
"""Per original action: new, unchanged, revised, cancelled."""


class CompensationLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is done because of one line."""

    row: str
    action: Compensation
    line: dict[str, str | None] = {}  # msgspec copies it
    """Values that the compensation line asks for, of the attributes that it changes."""
    prior: dict[str, str | None] = {}  # as above
    """Their values before; an ADD, a DELETE and a NONE have none (INV-OBA-9)."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The attributes that it changes."""
        return tuple(self.line)


def compensate(
    base: LineSync | None,
    action: LineAction | None,
    new: Values,
    tracked: Sequence[str],
    current: Values,
) -> CompensationLine | None:
    """Compare what a line has in force with what the order's revision says of it.

    `base`: what the line has in force; None where it has nothing. `action`: the line's; None: it is gone from the
    revision. `new`: its tracked values. `current`: those of its asset now, for a line that has nothing in force.
    None: the line is ignored (LIN-2).
    """
    if base is None:
        return _first(action, new, tracked, current)
    _, same, revised, cancelled = _ROWS[base.action]
    if action in (None, LineAction.NONE):
        if base.action is LineAction.ADD:
            gone: dict[str, str | None] = {name: None for name, value in base.applied.items() if value is not None}
            return CompensationLine(row=cancelled, action=Compensation.DELETE, line=gone)
        back = flipped(base)
        return CompensationLine(
            row=cancelled,
            action=Compensation(base.action),
            line={name: base.before[name].value for name in back},
            prior={name: base.applied[name] for name in back},
        )
    changed = [name for name in tracked if new[name] != base.applied.get(name)]
    if not changed:
        return CompensationLine(row=same, action=Compensation.NONE)
    moved = base.action is LineAction.MOVE_ADD
    return CompensationLine(
        row=revised,
        action=Compensation.MOVE_ADD if moved else Compensation.UPDATE,
        line={name: new[name] for name in changed},
        prior={name: base.applied.get(name) for name in changed},
    )


def flipped(base: LineSync) -> list[str]:
    """The attributes that go back to what they were before the line, once it is cancelled (FLP-1)."""
    return [name for name, value in base.applied.items() if value != base.before[name].value]


def unchanged(action: LineAction) -> str:
    """The row of a line that asks for what it has."""
    return _ROWS[action][1]


def _first(action: LineAction | None, new: Values, tracked: Sequence[str], current: Values) -> CompensationLine | None:
    """A line that has nothing in force: never synchronized, or cancelled before."""
    if action is None or action not in SYNCED:
        return None
    row = _ROWS[action][0]
    if action is LineAction.ADD:
        named = {name: new[name] for name in tracked if new[name] is not None}
        return CompensationLine(row=row, action=Compensation.ADD, line=named)
    changed = [name for name in tracked if new[name] != current[name]]
    return CompensationLine(
        row=row,
        action=Compensation(action),
        line={name: new[name] for name in changed},
        prior={name: current[name] for name in changed},
    )
