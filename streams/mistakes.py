"""Operators' mistakes and broken surroundings: what ends in one sentence instead of a traceback."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from schemas.catalog_file import CatalogInvalid
from schemas.wire import RegistryProblem
from state.warehouse import WarehouseLocked, WarehouseUnfit
from streams.catalogs import CatalogRefused, CatalogUnavailable
from streams.door import CardNumberRefused, ErasureRefused
from streams.eraser import EraserStopped
from streams.provider_export import ExportUnfit
from streams.provisioning import ProviderUnknown
from streams.reaching import KafkaUnreachable
from streams.settings import SettingsUnfit
from streams.sink_records import SinkStopped
from streams.topology import TopologyUnfit
from streams.vault import CustomerErasedError, VaultError

MISTAKES = (
    CardNumberRefused,
    CatalogInvalid,
    CatalogRefused,
    CatalogUnavailable,
    CustomerErasedError,
    EraserStopped,
    ErasureRefused,
    ExportUnfit,
    KafkaUnreachable,
    ProviderUnknown,
    RegistryProblem,
    SettingsUnfit,
    SinkStopped,
    TimeoutError,
    TopologyUnfit,
    VaultError,
    WarehouseLocked,
    WarehouseUnfit,
)

UNREACHABLE = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT}  # noqa: SLF001  # librdkafka's own names


def sentence(failure: Exception) -> str | None:
    """What is wrong and what to do, on as few lines as it takes; None for what is no operator's mistake."""
    if isinstance(failure, KafkaException):
        error = failure.args[0]
        if not isinstance(error, KafkaError):
            return str(error)
        if error.code() in UNREACHABLE:
            return "Kafka does not answer: is it running, and is BILLFOLD_BOOTSTRAP_SERVERS its address?"
        return f"Kafka refuses: {error.str()}"
    if isinstance(failure, MISTAKES):
        return str(failure) or "Kafka did not answer in time."
    return None
