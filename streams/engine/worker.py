"""Start a worker: run the Faust app until it is asked to stop."""

import asyncio
from typing import NoReturn

import faust

from streams import logs
from streams.engine.app import EngineApp
from streams.engine.boundary import BetweenTurns, Handle, HandleBug, Hook
from streams.settings import Settings


class EngineWorker(faust.Worker):
    """Faust's worker without the two seconds that it sleeps at its end."""

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)

    def _gather_all(self) -> None:
        for task in asyncio.all_tasks(loop=self.loop):
            task.cancel()


def run_worker(
    settings: Settings,
    handle: Handle,
    handle_bug: HandleBug,
    *,
    between_turns: BetweenTurns | None = None,
    hook: Hook = lambda _: None,
) -> NoReturn:
    """Decide commands until SIGTERM or SIGINT, then leave with exit code 0 after the current turn.

    The topics must have been checked (`topology.check`). Ends the process with code 70 when a restart helps and with
    78 when somebody must look, each with one line on standard error.
    """
    logs.configure(settings.log_level)
    app = EngineApp(settings, handle, handle_bug, between_turns, hook)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = EngineWorker(
        app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False, blocking_timeout=0
    )
    worker.spinner = None
    worker.execute_from_commandline()
    raise SystemExit(0)
