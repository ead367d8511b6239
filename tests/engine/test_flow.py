"""What is handed over to Faust is decided, whenever Faust opens its flow."""

import asyncio
from pathlib import Path

import pytest

from streams.engine.app import EngineApp
from streams.settings import load


def test_a_batch_that_is_handed_over_just_before_the_flow_opens_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch after a restore is fetched while Faust is still on its way from the seek to opening the flow."""
    monkeypatch.chdir(tmp_path)

    async def race() -> object:
        app = EngineApp(
            load(instance="a", data_directory=tmp_path),
            lambda *_: iter(()),
            lambda *_: pytest.fail("nothing is decided here"),
            None,
            lambda _: None,
        )
        (agent,) = app.agents.values()
        queue = agent.stream().channel.queue
        app.flow_control.resume()
        taken = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)  # the agent waits for its first batch
        queue.put_nowait_enhanced("batch", on_pressure_high=lambda: None, on_pressure_drop=lambda: None)
        app.flow_control.resume()
        return await asyncio.wait_for(taken, 1)

    assert asyncio.run(race()) == "batch"
