"""Environments for tools whose dependencies cannot live with ours: dbt, datacontract-cli. Made once, in the cache.

    python -m compose.environments dbt      # prints the folder of its programs

The pins stand beside what the tool is for: `compose/<tool>/requirements.txt`.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from compose.processes import cache_folder

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS = 300
"""Some sixty wheels; the slowest index that somebody should wait for."""


class EnvironmentMissing(Exception):
    """The tool could not be installed. The sentence says why."""


def programs(tool: str) -> Path:
    """Return the folder of a tool's programs; install it first if this is the first time.

    A file `ready` is written last: an environment without it was left by a crash, and is made anew. Raises
    EnvironmentMissing where pip cannot install it.
    """
    requirements = HERE / tool / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}".encode()
    mark = hashlib.sha256(requirements.read_bytes() + version).hexdigest()[:12]
    cache = cache_folder()
    folder = cache / f"{tool}-{mark}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{tool}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, requirements)
            (folder / "ready").touch()
    return folder / "bin"


def _install(folder: Path, requirements: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-deps", "-r", str(requirements)]
    try:
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise EnvironmentMissing(f"pip did not install {requirements} within {INSTALL_SECONDS} s.") from None
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise EnvironmentMissing(f"pip cannot install {requirements}: {told[-1] if told else 'it says nothing'}")


if __name__ == "__main__":
    print(programs(sys.argv[1]))
