"""Put a worker together: settings, catalog shelf, clock, engine."""

from __future__ import annotations

from typing import NoReturn

from streams import settings, topology
from streams.catalogs import Shelf
from streams.clock import Clock
from streams.engine.worker import run_worker as run_engine
from streams.registry import use_registry
from streams.worker import Worker


def run_worker() -> NoReturn:
    """Decide commands until stopped.

    1. Check the topics. 2. Read the catalog topic to its end, then follow it. 3. Join, restore, decide.
    """
    configured = settings.load()
    topology.check(configured.client_properties(), configured.topology)  # 1
    use_registry(configured)
    shelf = Shelf(configured.consumer_properties(), configured.topology.catalog, configured.catalog)  # 2
    shelf.read_to_end()
    shelf.follow()
    worker = Worker(configured, shelf)
    clock = Clock(configured) if configured.clock is settings.Clock.BROKER else None
    run_engine(configured, worker.handle, worker.handle_bug, between_turns=clock.look if clock else None)  # 3
