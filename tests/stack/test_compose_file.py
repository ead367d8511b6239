"""The compose file agrees with the image, the command line and the settings, where no engine runs too."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from compose import containers
from streams.command_line import app
from streams.settings import Settings

COMPOSE = Path(__file__).resolve().parents[2] / "compose"
FILE = COMPOSE / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "billfold"}


def test_it_has_what_the_spine_needs() -> None:
    assert {"kafka", "topics", "catalog", "worker", "sink", "registry", "postgres"} == set(SERVICES)
    for choice in ("registry", "postgres"):
        assert SERVICES[choice]["profiles"] == [choice], "it is a choice"
    assert all("profiles" not in service for service in OURS.values())


def test_compose_and_tests_run_the_same_versions() -> None:
    assert SERVICES["kafka"]["image"] == containers.KAFKA_IMAGE
    assert SERVICES["registry"]["image"] == containers.REGISTRY_IMAGE
    for image, artifact in ((containers.KAFKA_IMAGE, "kafka"), (containers.REGISTRY_IMAGE, "registry")):
        version = image.rpartition(":")[2]
        assert f"<version>{version}</version>" in (COMPOSE / "artifacts" / artifact / "pom.xml").read_text()


@pytest.mark.parametrize("name", OURS)
def test_its_commands_exist(name: str) -> None:
    words = [word for word in OURS[name]["command"] if not word.startswith("/")]
    asked = CliRunner().invoke(app, [*words, "--help"])
    assert asked.exit_code == 0, asked.output


@pytest.mark.parametrize("name", OURS)
def test_its_settings_exist(name: str) -> None:
    names = {variable.removeprefix("BILLFOLD_").lower() for variable in OURS[name]["environment"]}
    assert names <= set(Settings.model_fields)


def test_files_that_it_mounts_exist() -> None:
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())]
    assert all((COMPOSE / path).exists() for path in mounted if path.startswith("."))
    assert (COMPOSE / "catalogs" / Path(SERVICES["catalog"]["command"][-1]).name).exists()


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_docker_accepts_the_file() -> None:
    if not shutil.which("docker"):
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    checked = subprocess.run(
        ["docker", "compose", "-f", str(FILE), "--profile", "registry", "config", "--quiet"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_the_broker_in_a_container_advertises_the_port_of_this_machine() -> None:
    """Without an engine this is all that can be told of it; with one, every test on Kafka runs on it."""
    variables = containers.kafka_environment(15_001, {"log.retention.ms": 5})
    assert variables["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:15001"
    assert variables["KAFKA_LOG_RETENTION_MS"] == "5"
