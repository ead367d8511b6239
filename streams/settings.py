"""The settings: `BILLFOLD_*` in the environment over `billfold.toml`. A wrong one ends in one sentence."""

import os
import re
import socket
import tomllib
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from streams.topology import RECORD_BYTES, Topology

PREFIX = "BILLFOLD_"


class SettingsUnfit(Exception):
    """A setting is wrong or missing. The sentence names it."""


class Clock(StrEnum):
    """Where due work gets its moment from."""

    BROKER = "broker"
    RECORDS = "records"


class Pii(StrEnum):
    """Whether personal data must arrive sealed."""

    SEALED = "sealed"
    PLAIN = "plain"


class FromFiles(PydanticBaseSettingsSource):
    """`BILLFOLD_<NAME>_FILE` names a file with the value: for secrets, which do not belong into an environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's content without the line end, None when no file is named."""
        del field
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text().rstrip("\n"), field_name, False
        except OSError as failure:
            raise SettingsUnfit(f"{PREFIX}{field_name.upper()}_FILE: {failure}") from failure

    def __call__(self) -> dict[str, Any]:
        """Every setting that is given as a file."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Everything that an installation may decide. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file="billfold.toml", extra="forbid")

    bootstrap_servers: str = "127.0.0.1:9092"
    kafka: dict[str, str] = Field(default_factory=dict)
    """librdkafka's own properties, as they are (`security.protocol`, `sasl.*`, `ssl.*`)."""
    sasl_password: SecretStr | None = None
    ssl_key_password: SecretStr | None = None
    insecure: bool = False
    """Allow plain text to an address other than this machine's."""
    registry_url: str | None = None
    """Schema registry. Without one, schema ids come from the committed list."""

    topic_prefix: str = Field("billing", pattern=r"^[a-zA-Z0-9._-]{1,100}$")
    partitions: int = Field(8, ge=1, le=1000)
    """Of every keyed topic. Can never be changed."""
    replication: int = Field(1, ge=1, le=9)
    answer_days: int = Field(400, ge=1, le=4000)
    """How long a command id is remembered."""

    group: str = Field("billfold", pattern=r"^[a-zA-Z0-9._-]{1,100}$")
    instance: str = Field(default_factory=socket.gethostname, pattern=r"^[a-zA-Z0-9._-]{1,100}$")
    """This worker's name: unique among the workers, the same after a restart. A second of the name ends the first."""
    data_directory: Path = Path("data")
    catalog: str = "default"
    """Name of the catalog that this installation decides with."""
    clock: Clock = Clock.BROKER
    pii: Pii = Pii.SEALED
    vault: Path = Path("data/vault/keys")
    warehouse: Path = Path("data/warehouse.duckdb")
    """A DuckDB file, or the URL of a PostgreSQL database (`postgresql://user@host:port/database`)."""
    warehouse_server: SecretStr | None = None
    """Where `warehouse` is a URL it is kept here, out of logs, and the file is not used."""
    sink_processes: int = Field(default_factory=lambda: _spare_processors(4), ge=0, le=64)
    """So many processes decode for the sink while it catches up, some 190 MB each; 0: it does that itself."""

    turn_items: int = Field(2000, ge=1, le=100_000)
    turn_seconds: float = Field(1.0, gt=0, le=60)
    turn_bytes: int = Field(64 << 20, ge=1 << 20, le=512 << 20)
    """A turn closes at the first of the three: decided items, seconds of deciding, bytes to send."""
    bug_limit: int = Field(100, ge=1)
    """This many commands in a row that meet a bug stop the worker."""
    session_timeout_seconds: float = Field(6.0, ge=1, le=300)
    """A worker that is silent for so long loses its partitions; so long they lie idle after a stop."""
    transaction_timeout_seconds: float = Field(10.0, ge=2, le=900)
    """So long a dead worker's open transaction can hold its successor up; up to 10 s more until the broker looks."""
    turn_timeout_seconds: float = Field(120.0, ge=5, le=280)
    """A turn that takes longer ends the process. Below librdkafka's max.poll.interval.ms of 300 s."""
    upgrade_seconds: float = Field(60.0, ge=0, le=60)
    """So long a record with an unknown schema halts its partition: an upgrade may be on. Then it is a dead letter."""
    log_level: str = Field("WARNING", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over files of secrets over the environment over billfold.toml."""
        del dotenv_settings, file_secret_settings  # one place for each kind of setting
        return init_settings, FromFiles(settings_cls), env_settings, TomlConfigSettingsSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _a_url_is_a_server(cls, given: dict[str, Any]) -> dict[str, Any]:
        place = str(given.get("warehouse", ""))
        if not place.startswith(("postgresql://", "postgres://")):
            return given
        return {name: value for name, value in given.items() if name != "warehouse"} | {"warehouse_server": place}

    @model_validator(mode="after")
    def _no_plain_text_to_strangers(self) -> Self:
        protocol = self.kafka.get("security.protocol", "plaintext").lower()
        if self.insecure or not protocol.endswith("plaintext"):
            return self
        for server in self.bootstrap_servers.split(","):
            if not _is_this_machine(server):
                raise ValueError(
                    f"bootstrap_servers: plain text to {server} needs `insecure = true`; "
                    "better set `security.protocol` under `kafka`"
                )
        return self

    @property
    def topology(self) -> Topology:
        """The topics of this installation."""
        by_record = self.clock is Clock.RECORDS
        return Topology(self.topic_prefix, self.partitions, self.replication, self.answer_days, by_record)

    @property
    def transactional_id(self) -> str:
        """What Kafka fences a worker's earlier self by."""
        return f"{self.group}-{self.instance}"

    def client_properties(self) -> dict[str, Any]:
        """Return what every Kafka client of ours begins with. Holds secrets: never log it."""
        secrets = {"sasl.password": self.sasl_password, "ssl.key.password": self.ssl_key_password}
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "log_level": 3,
            **self.kafka,
            **{name: secret.get_secret_value() for name, secret in secrets.items() if secret},
        }

    def consumer_properties(self) -> dict[str, Any]:
        """Return what a consumer needs on top to read our largest records."""
        return self.client_properties() | {"fetch.message.max.bytes": RECORD_BYTES}


def load(**given: Any) -> Settings:
    """Read the settings; `SettingsUnfit` names the first wrong one, never its value."""
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as failure:
        raise SettingsUnfit(f"billfold.toml cannot be read: {failure}.") from None
    except SettingsError as failure:
        raise SettingsUnfit(f"Settings: {failure}.") from None
    except ValidationError as failure:
        first = failure.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        reason = re.sub(r"^Value error, ", "", first["msg"])
        raise SettingsUnfit(f"Setting {name}: {reason}." if name else f"Settings: {reason}.") from None


def _spare_processors(most: int) -> int:
    """How many processors this process may use, at most so many; none to spare where there is one."""
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(most, ours) if ours > 1 else 0


def _is_this_machine(server: str) -> bool:
    host = server.strip().rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
