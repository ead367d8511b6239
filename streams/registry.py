"""The schema registry: `push` registers every contract there, `speak` makes the wire format use its ids.

Producers never register: whoever may change contracts runs `billfold schemas push`, everyone else only looks ids up.
"""

from __future__ import annotations

import json
from typing import Any

import structlog
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError
from httpx2 import HTTPError  # what confluent-kafka speaks HTTP with

from schemas import wire
from schemas.compatibility import check_contracts
from schemas.contracts import CONTRACTS, versions_of
from schemas.wire import RegistryProblem, SchemaUnavailable, UnknownSchema
from streams.settings import Settings

log = structlog.get_logger()

NOT_FOUND = 404
CONFLICT = 409
PATIENCE_SECONDS = 5


def speak(configured: Settings) -> None:
    """Write with the registry's ids, and ask it for the schema of ids that records bear. Raises RegistryProblem."""
    client = _client(configured)
    current = {contract: _current_id(client, subject, contract) for contract, subject in subjects(configured).items()}
    wire.use(lambda schema_id: _ask(client, schema_id), current)


def push(configured: Settings) -> None:
    """Register every version of every contract, oldest first, and have the registry hold BACKWARD_TRANSITIVE.

    Raises RegistryProblem. Doing it again changes nothing.
    """
    if configured.registry_url is None:
        raise RegistryProblem("No registry is configured: set `registry_url` to the address of its Confluent API.")
    if problems := check_contracts():
        raise RegistryProblem("The contracts break what was released:\n" + "\n".join(problems))
    client = _client(configured)
    for contract, subject in subjects(configured).items():
        try:
            for version, schema in versions_of(contract).items():
                schema_id = client.register_schema(subject, _as_registered(schema))
                log.info("schema registered", contract=contract, version=version, subject=subject, schema_id=schema_id)
            client.set_config(subject, ServerConfig(ConfigCompatibilityLevel.BACKWARD_TRANSITIVE))
        except SchemaRegistryError as refused:
            why = "it holds an incompatible one" if refused.http_status_code == CONFLICT else refused.error_message
            raise RegistryProblem(f"The registry refuses {contract} for the subject {subject}: {why}.") from refused
        except (HTTPError, OSError) as problem:
            raise RegistryProblem(_unreachable(problem)) from problem


def subjects(configured: Settings) -> dict[str, str]:
    """The registry's subject of each contract, in the order of registration."""
    topology = configured.topology
    topics = topology.commands, topology.transactions, topology.outcomes, topology.catalog, topology.provisioning
    return {contract: f"{topic}-value" for contract, topic in zip(CONTRACTS, topics, strict=True)}


def _client(configured: Settings) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": configured.registry_url, "timeout": PATIENCE_SECONDS, "max.retries": 1})


def _current_id(client: SchemaRegistryClient, subject: str, contract: str) -> int:
    *_, current = versions_of(contract).values()
    try:
        found = client.lookup_schema(subject, _as_registered(current)).schema_id
        assert found is not None, "a registry that finds a schema names its id"
        return found
    except SchemaRegistryError as missing:
        raise RegistryProblem(
            f"The registry does not have the current contract {contract} under {subject}: run `billfold schemas push`."
        ) from missing
    except (HTTPError, OSError) as problem:
        raise RegistryProblem(_unreachable(problem)) from problem


def _ask(client: SchemaRegistryClient, schema_id: int) -> Any:
    try:
        return json.loads(client.get_schema(schema_id).schema_str or "")
    except SchemaRegistryError as problem:
        if problem.http_status_code == NOT_FOUND:
            raise UnknownSchema(schema_id) from problem
        raise SchemaUnavailable(f"The registry could not answer for schema id {schema_id}.") from problem
    except (HTTPError, OSError) as problem:
        raise SchemaUnavailable(_unreachable(problem)) from problem


def _as_registered(schema: Any) -> Schema:
    return Schema(json.dumps(schema), "AVRO")


def _unreachable(problem: Exception) -> str:
    return f"The schema registry cannot be reached ({type(problem).__name__}): check `registry_url` and that it runs."
