"""What differs between an export and what was asked, and which exports are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.provisioning import DesiredState
from schemas.provisioning_requests import ProvisioningRequest
from streams.provider_export import Actual, ExportUnfit, read_export
from streams.provisioning import Finding, compare

ON, OFF = DesiredState.ACTIVE, DesiredState.INACTIVE
JSON_LINES = """{"service_id": "s-1", "state": "ACTIVE", "version": 2, "customer_id": "K-1", "port": 7}

{"service_id": "s-2", "state": "INACTIVE", "version": 1}
"""


def asked(service_id: str, state: DesiredState, version: int, customer_id: str = "K-1") -> ProvisioningRequest:
    return ProvisioningRequest(
        customer_id=customer_id,
        subscription_id="u-1",
        service_id=service_id,
        product="LINE_A",
        provider="SWITCH",
        distributor_id="d-1",
        desired_state=state,
        version=version,
        requested_at=datetime(2026, 5, 4, tzinfo=UTC),
        transaction_id="t-1",
        sequence=1,
        command_id="c-1",
    )


def has(service_id: str, state: DesiredState, version: int, customer_id: str | None = "K-1") -> Actual:
    return Actual(service_id=service_id, state=state, version=version, customer_id=customer_id)


@pytest.mark.parametrize(
    ("desired", "actual", "finding"),
    [
        ((ON, 2), (ON, 2), None),
        ((ON, 2), None, Finding.MISSING),
        ((OFF, 2), None, None),  # what is not there is not on
        ((ON, 2), (OFF, 2), Finding.WRONG_STATE),
        ((ON, 2), (OFF, 1), Finding.WRONG_STATE),
        ((ON, 3), (ON, 1), Finding.OLDER_VERSION),
        ((OFF, 3), (OFF, 1), Finding.OLDER_VERSION),
        ((ON, 2), (ON, 3), Finding.NEWER_VERSION),
        ((ON, 2), (OFF, 3), Finding.NEWER_VERSION),
        (None, (OFF, 1), Finding.UNKNOWN),
    ],
)
def test_what_differs(
    desired: tuple[DesiredState, int] | None, actual: tuple[DesiredState, int] | None, finding: Finding | None
) -> None:
    requests = {("K-1", "s-1"): asked("s-1", *desired)} if desired else {}
    found = compare(requests, [has("s-1", *actual)] if actual else [])
    assert [one.finding for one in found] == ([finding] if finding else [])


def test_equal_service_ids_of_customers_are_told_apart_or_refused() -> None:
    requests = {("K-1", "s-1"): asked("s-1", ON, 1), ("K-2", "s-1"): asked("s-1", ON, 1, "K-2")}
    only_first = compare(requests, [has("s-1", ON, 1)])
    assert [(one.finding, one.service) for one in only_first] == [(Finding.MISSING, ("K-2", "s-1"))]
    with pytest.raises(ExportUnfit, match="2 customers have a service s-1: the export needs the column customer_id"):
        compare(requests, [has("s-1", ON, 1, None)])


def test_a_service_may_be_exported_without_its_customer() -> None:
    assert compare({("K-1", "s-1"): asked("s-1", ON, 1)}, [has("s-1", ON, 1, None)]) == []
    (stranger,) = compare({}, [has("s-9", ON, 1, None)])
    assert stranger.sentence == "never asked for: service s-9 of customer ?, wanted nothing, found ACTIVE version 1"


def test_a_service_that_is_exported_twice_is_refused() -> None:
    with pytest.raises(ExportUnfit, match="twice"):
        compare({("K-1", "s-1"): asked("s-1", ON, 1)}, [has("s-1", ON, 1), has("s-1", OFF, 1, None)])


@pytest.mark.parametrize(
    "text",
    [
        "service_id,state,version,customer_id\ns-1,ACTIVE,2,K-1\ns-2,INACTIVE,1,\n",
        "\ufeffversion,note,service_id,state,customer_id\n2,x,s-1,ACTIVE,K-1\n1,,s-2,INACTIVE,\n",
        JSON_LINES,
    ],
)
def test_exports_are_csv_or_json_lines(text: str, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_text(text)
    assert list(read_export(file)) == [has("s-1", ON, 2), has("s-2", OFF, 1, None)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no column service_id, state, version"),
        (b"service_id,state\ns-1,ACTIVE\n", "has no column version"),
        (b"service_id,state,version\ns-1,ACTIVE,1\ns-2,on,1\n", "line 3: Invalid enum value 'on'"),
        (b"service_id,state,version\ns-1,ACTIVE,two\n", "line 2: Expected `int`"),
        (b"service_id,state,version\ns-1,ACTIVE\n", "line 2: Object missing required field `version`"),
        (b'{"service_id": "s-1", "state": "ACTIVE"}', "line 1: Object missing required field `version`"),
        (b"{\n", "line 1: "),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_an_unfit_export_is_refused_in_a_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(content)
    with pytest.raises(ExportUnfit) as refused:
        list(read_export(file))
    assert sentence in str(refused.value)


def test_an_export_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportUnfit, match="cannot be read"):
        list(read_export(tmp_path / "none.csv"))
