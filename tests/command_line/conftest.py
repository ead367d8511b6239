from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import pytest

from streams import reaching
from streams.command_line import main
from tests.command_line.running import Here, Told


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Here:
    """`billfold` in this process, which has loaded everything already; half a second of patience with Kafka."""
    for name in [name for name in os.environ if name.startswith("BILLFOLD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(reaching, "PATIENCE_SECONDS", 0.5)

    def run(*arguments: str, typed: str = "", **environment: str) -> Told:
        with monkeypatch.context() as only:
            for name, value in environment.items():
                only.setenv(name, value)
            only.setattr(sys, "argv", ["billfold", *arguments])
            only.setattr(sys, "stdin", io.StringIO(typed))
            began = time.monotonic()
            with pytest.raises(SystemExit) as ended:
                main()
            told = capfd.readouterr()
            return Told(int(ended.value.code or 0), told.out, told.err, time.monotonic() - began)

    return run
