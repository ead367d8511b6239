"""Our tables behind Faust's interfaces: Faust keeps the rebalance state machine, the turn keeps the rows."""

from typing import Any, NoReturn

import faust
from faust.stores import STORES
from faust.stores.base import SerializedStore
from faust.tables.manager import TableManager

from state.tables import View

STORE_SCHEME = "turn"
STORES.aliases[STORE_SCHEME] = "state.faust_table:TurnStore"


class TurnStore(SerializedStore):
    """A table's rows as the open turn sees them. Faust tells it of rebalances, which starts the restore."""

    view: View | None = None
    """The partition whose command is being decided; set by the worker."""

    async def on_rebalance(self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0) -> None:
        """Restore before Faust opens the flow. Asked once per table; the app does it once per generation."""
        del assigned, revoked, newly_assigned
        await self.app.restore(generation_id)

    def persisted_offset(self, tp: Any) -> None:
        """Positions are kept beside the rows; Faust restores nothing."""
        del tp

    def _get(self, key: bytes) -> bytes | None:
        if self.view is None:
            raise RuntimeError("tables are open only inside a turn: send a command instead")
        return self.view.get(key)

    def _contains(self, key: bytes) -> bool:
        return self._get(key) is not None

    def _as_it_is(self, value: Any) -> Any:
        return value

    _encode_key = _decode_key = _encode_value = _decode_value = _as_it_is

    def _refuse(self, *_: Any) -> NoReturn:
        raise RuntimeError("rows change only by what a handler decides")

    _set = _del = _clear = _iterkeys = _itervalues = _iteritems = _size = _refuse
    reset_state = backup_partition = restore_backup = _refuse


class TurnTable(faust.Table):
    """A Faust table whose changelog is written by the turn, inside its transaction, and never by Faust's producer."""

    def on_key_get(self, key: Any) -> None:
        """Nothing: Faust would look for a partition of its own."""

    def on_key_set(self, key: Any, value: Any) -> None:
        """Nothing: Faust would send to the changelog outside the transaction."""

    def on_key_del(self, key: Any) -> None:
        """Nothing: see `on_key_set`."""


class TurnTables(TableManager):
    """Faust's, without the second that it sleeps before it looks at its tables."""

    async def on_start(self) -> None:
        """Register the tables and start the recovery, which has nothing to read and opens the flow."""
        await self._update_channels()
        await self.recovery.start()
