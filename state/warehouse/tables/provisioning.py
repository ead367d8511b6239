"""Provisioning: what was asked of networks, distributors, and what hardware customers have."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
    ORIGIN,
    POSITION,
    SEQUENCE,
    SUBSCRIPTION,
    Table,
    count,
    flag,
    moment,
    sealed,
    text,
)
from state.warehouse.tables.dimensions import VALID_FROM, dimension

_DISTRIBUTOR = text("distributor_id", "Distributor, unique within the customer")
_ITEM = text("item_id", "Installed item, unique within the customer")
_PROVIDER = text("provider", "Network")

_DISTRIBUTOR_ATTRIBUTES = (
    SUBSCRIPTION,
    count("number", "1, 2, 3 ... by age, per subscription"),
    _PROVIDER,
    flag("removed", "Nothing was left on it: it is gone"),
)

_ITEM_ATTRIBUTES = (
    SUBSCRIPTION,
    count("number", "1, 2, 3 ... per subscription"),
    text("product", "The physical good"),
    text("ownership", "Whose it is: CUSTOMER or PROVIDER"),
    sealed("serial_number", "Serial number"),
    text("provider", "Network of the distributor that it is on, or was on last", required=False),
    text("distributor_id", "Distributor that it is on", required=False),
)

FACT_PROVISIONING_REQUEST = Table(
    "fact_provisioning_request",
    "One row per state that a network was asked for; of a service the highest version counts.",
    ("customer_id", "service_id", "version"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        SUBSCRIPTION,
        _DISTRIBUTOR,
        _PROVIDER,
        text("service_id", "Service"),
        text("product", "Product"),
        text("desired_state", "ACTIVE or INACTIVE"),
        count("version", "1, 2, 3 ... per service, without gaps"),
        moment("requested_at", "When it was asked for, as it counts"),
    ),
)

LOG_DISTRIBUTOR = Table(
    "log_distributor",
    "Every version of every distributor, by the transaction that made it. With dates: dim_distributor.",
    ("customer_id", "distributor_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _DISTRIBUTOR, VALID_FROM, *_DISTRIBUTOR_ATTRIBUTES),
)

LOG_INSTALLED_ITEM = Table(
    "log_installed_item",
    "Every version of every installed item, by the transaction that made it. With dates: dim_installed_item.",
    ("customer_id", "item_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _ITEM, VALID_FROM, *_ITEM_ATTRIBUTES),
)

DIM_DISTRIBUTOR = dimension("distributor", (CUSTOMER, _DISTRIBUTOR), _DISTRIBUTOR_ATTRIBUTES)
DIM_INSTALLED_ITEM = dimension("installed_item", (CUSTOMER, _ITEM), _ITEM_ATTRIBUTES)

TABLES = (FACT_PROVISIONING_REQUEST, LOG_DISTRIBUTOR, LOG_INSTALLED_ITEM)
VIEWS = (DIM_DISTRIBUTOR, DIM_INSTALLED_ITEM)
