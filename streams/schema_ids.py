"""Which schema ids records bear: those of the committed list, or a registry's where the settings name one."""

from __future__ import annotations

from schemas import wire
from streams.settings import Settings


def use_registry(configured: Settings) -> None:
    """With a registry in the settings: write with its ids, and ask it for the schema of ids that records bear.

    Raises RegistryProblem where it cannot be asked, or lacks a current contract. Its client takes a tenth of a second
    to load, so a worker without a registry never does.
    """
    if configured.registry_url is None:
        wire.use_committed_list()
        return
    from streams.registry import speak  # noqa: PLC0415  # see above

    speak(configured)
