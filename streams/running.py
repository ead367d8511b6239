"""Put a worker together: settings, catalog shelf, clock, engine."""

from __future__ import annotations

import gc
import threading
from datetime import UTC, datetime
from typing import NoReturn

from schemas import codec
from streams import logs, settings, topology
from streams.catalogs import Shelf
from streams.clock import Clock
from streams.engine.worker import run_worker as run_engine
from streams.schema_ids import use_registry
from streams.stories.shelf import StoryShelf
from streams.worker import Worker


def run_worker() -> NoReturn:
    """Decide commands until stopped.

    1. Check the topics. 2. Read the catalog topic to its end, then follow it; meanwhile the codecs are compiled.
    3. Join, restore, decide.
    """
    gc.disable()  # until all that stays is there: collections during the start cost it a tenth of a second
    configured = settings.load()
    logs.configure(configured.log_level)
    topology.check(configured.client_properties(), configured.topology)  # 1
    use_registry(configured)
    threading.Thread(target=codec.warm, name="codecs", daemon=True).start()
    by_record = configured.clock is settings.Clock.RECORDS
    reader = configured.consumer_properties(), configured.topology.catalog
    shelf = StoryShelf(*reader) if by_record else Shelf(*reader, configured.catalog)  # 2
    shelf.read_to_end()
    if not by_record:
        shelf.at(datetime.now(UTC))  # a mistyped name of a catalog is told now, and not with the first command
    shelf.follow()
    worker = Worker(configured, shelf)
    clock = None if by_record else Clock(configured)
    collect_rarely()
    run_engine(configured, worker.handle, worker.handle_bug, between_turns=clock.look if clock else None)  # 3


def collect_rarely() -> None:
    """Garbage collection as it suits a worker: what is loaded by now stays, and what a turn makes has no cycles."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
