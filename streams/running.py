"""Put a worker together: settings, catalog shelf, clock, engine."""

from __future__ import annotations

from typing import NoReturn

from streams import settings, topology
from streams.catalogs import Shelf
from streams.clock import Clock
from streams.engine.worker import run_worker as run_engine
from streams.registry import use_registry
from streams.stories.shelf import StoryShelf
from streams.worker import Worker


def run_worker() -> NoReturn:
    """Decide commands until stopped.

    1. Check the topics. 2. Read the catalog topic to its end, then follow it. 3. Join, restore, decide.
    """
    configured = settings.load()
    topology.check(configured.client_properties(), configured.topology)  # 1
    use_registry(configured)
    by_record = configured.clock is settings.Clock.RECORDS
    reader = configured.consumer_properties(), configured.topology.catalog
    shelf = StoryShelf(*reader) if by_record else Shelf(*reader, configured.catalog)  # 2
    shelf.read_to_end()
    shelf.follow()
    worker = Worker(configured, shelf)
    clock = None if by_record else Clock(configured)
    run_engine(configured, worker.handle, worker.handle_bug, between_turns=clock.look if clock else None)  # 3
