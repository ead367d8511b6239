"""Reading a catalog: what each key becomes, what absent keys mean, and every refusal with its line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from processors.catalog import check_version
from schemas.accounts import AccountState
from schemas.bill_cycles import BillCycleSetting
from schemas.catalog import BEGINNING_OF_TIME, Catalog, PaymentReversal, SwapClass, Switches
from schemas.catalog_file import CatalogInvalid, catalog_from_mapping, read_catalog
from schemas.catalog_keys import WrittenSwitches
from schemas.codec import CATALOG

EVERY_KEY = Path(__file__).parent / "every_key.yaml"
DEMO = Path(__file__).parents[2] / "compose" / "catalogs" / "nordlys.yaml"


def read(mapping: dict[str, object]) -> Catalog:
    return catalog_from_mapping({"catalog": "test"} | mapping, version=1)


def problems(mapping: object) -> list[str]:
    with pytest.raises(CatalogInvalid) as invalid:
        catalog_from_mapping(mapping, version=1)
    return str(invalid.value).splitlines()


def problems_of(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(CatalogInvalid) as invalid:
        read_catalog(file, version=1)
    return str(invalid.value).replace(f"{tmp_path}/", "").splitlines()


def test_every_key_arrives() -> None:
    catalog = read_catalog(EVERY_KEY, version=7)

    assert (catalog.name, catalog.version, catalog.time_zone) == ("every-key", 7, "Europe/Stockholm")
    assert catalog.effective_from == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert catalog.reasons(AccountState.SUSPENDED) == ("UNPAID", "REQUESTED")
    assert catalog.reasons(AccountState.ACTIVE) == ()
    profile = catalog.profile("mobile")
    assert profile is not None
    assert profile.bill_cycle == BillCycleSetting(code="OWN_DAY", billing_day=7, billing_month=2, billing_year=2026)
    assert (profile.state, profile.reason, profile.payment_responsible) == (AccountState.ACTIVE, "PAID", False)
    daily = catalog.bill_cycle("DAILY")
    assert daily is not None
    assert (daily.every, daily.anchor_date) == (10, date(2026, 1, 1))
    assert catalog.default_bill_cycles[0].to_day == 15
    assert catalog.action_types[0].sub_types[0].classification == "UPGRADESERVICE"
    assert catalog.providers[0].item_required
    assert catalog.providers[1].allowed_product_types is None
    assert catalog.billing_systems[0].price_list == "EU-2026"
    assert catalog.switches == Switches(
        account_depth_max=3,
        corporate_account_type="BUSINESS",
        payment_reversal=PaymentReversal.CREDIT,
        split_payer=False,
    )


def test_definitions_fill_in_what_the_file_leaves_out() -> None:
    default, trial = read_catalog(EVERY_KEY, version=1).subscription_definitions

    assert default.swap.mandatory == (SwapClass.UPGRADE,)
    assert default.swap.optional == tuple(SwapClass)
    assert (default.regret_days, default.allowed_products) == (7, ("LINE",))
    assert (trial.regret_days, trial.allowed_products, trial.max_services) == (14, None, None)
    assert (trial.valid_from, trial.valid_to) == (None, None)


def test_prices_are_exact_and_in_the_scale_of_their_currency() -> None:
    line = read_catalog(EVERY_KEY, version=1).product("LINE")

    assert line is not None
    euro, yen, unconfigured = (line.price(code) for code in ("EUR", "JPY", "XTS"))
    assert euro is not None
    assert (str(euro.activation), str(euro.recurring)) == ("5.00", "9.10")
    assert yen is not None
    assert (str(yen.activation), yen.recurring) == ("500", None)
    assert unconfigured is not None
    assert unconfigured.activation == Decimal("1.5")
    assert line.price("USD") is None


def test_a_date_means_its_first_instant_in_the_zone_of_the_catalog() -> None:
    line = read_catalog(EVERY_KEY, version=1).product("LINE")

    assert line is not None
    assert line.valid_from == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert line.valid_to == datetime(2027, 1, 1, tzinfo=UTC)


def test_only_the_name_is_required() -> None:
    catalog = read({})

    assert catalog == Catalog(name="test", version=1)
    assert catalog.effective_from == BEGINNING_OF_TIME
    assert catalog.switches.plan_horizon_days == 1100


def test_least_entries() -> None:
    catalog = read(
        {
            "currencies": [{"code": "EUR"}],
            "bill_cycles": [{"code": "D", "period": "DAY"}],
            "products": [{"product": "P", "classification": "OTHER", "composition": "FLAT"}],
        }
    )

    cycle, product = catalog.bill_cycles[0], catalog.products[0]
    assert (cycle.every, cycle.individual, cycle.anchor_date) == (1, False, date(2000, 1, 1))
    assert (product.family, product.tier, product.prices, product.provider, product.traceable) == (
        (None, 0, (), None, False)
    )
    assert product.in_force(BEGINNING_OF_TIME)


def test_the_caller_supplies_name_moment_and_switches() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)

    catalog = catalog_from_mapping(
        {"switches": {"split_payer": False, "accounts_max": 9}},
        version=2,
        effective_from_default=moment,
        name_default="story",
        switches_override={"accounts_max": 5},
    )

    assert (catalog.name, catalog.effective_from) == ("story", moment)
    assert (catalog.switches.split_payer, catalog.switches.accounts_max) == (False, 5)


def test_what_the_mapping_says_wins_over_name_and_moment() -> None:
    catalog = catalog_from_mapping(
        {"catalog": "own", "effective_from": "2026-01-01T00:00:00+00:00"}, version=1, name_default="story"
    )

    assert (catalog.name, catalog.effective_from) == ("own", datetime(2026, 1, 1, tzinfo=UTC))


def test_file_and_words_agree_on_every_switch() -> None:
    written = WrittenSwitches().model_dump()

    assert written == msgspec.structs.asdict(Switches())


def test_the_demo_catalog_keeps_every_rule() -> None:
    catalog = read_catalog(DEMO, version=1)

    assert check_version(None, catalog) == ()
    assert catalog.effective_from == BEGINNING_OF_TIME
    assert {"MONTHLY_1", "MONTHLY_15", "YEARLY_APR", "OWN_DAY", "QUARTERLY", "WEEKLY_MON", "DAILY"} <= {
        cycle.code for cycle in catalog.bill_cycles
    }
    assert catalog.profile("mobile") is not None


@pytest.mark.parametrize("file", [EVERY_KEY, DEMO], ids=lambda file: file.stem)
def test_a_catalog_crosses_the_topic_unchanged(file: Path) -> None:
    catalog = read_catalog(file)

    assert CATALOG.decode(CATALOG.encode(catalog)) == catalog


def test_every_problem_of_a_file_has_its_line(tmp_path: Path) -> None:
    text = """\
catalog: test
foo: 1
currencies:
  - {code: EUR, digits: 2}
bill_cycles:
  - {code: A, period: DAY, period: DAY}
  - {code: NO, period: DAY}
switches: {nope: true}
"""

    found = problems_of(tmp_path, text)

    assert [line[: line.index(":", line.index(":", len("broken.yaml:") + 1) + 1)] for line in found] == [
        "broken.yaml:2: foo",
        "broken.yaml:4: currencies.0.digits",
        "broken.yaml:6: bill_cycles.0.period",
        "broken.yaml:7: bill_cycles.1.code",
        "broken.yaml:8: switches.nope",
    ]
    assert found[1].endswith("unknown key; expected one of code, scale")
    assert found[2].endswith("the key stands twice; keep one")
    assert "in quotes" in found[3]


def test_a_missing_key_points_at_the_entry_that_lacks_it(tmp_path: Path) -> None:
    text = "catalog: test\nproducts:\n  - product: A\n    composition: FLAT\n"

    assert problems_of(tmp_path, text) == ["broken.yaml:3: products.0.classification: is required"]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("catalog: [", "broken.yaml:"),
        ("catalog: test\neffective_from: 2026-13-45\n", "broken.yaml: catalog: expected YAML"),
        ("", "broken.yaml:1: catalog: expected a mapping"),
        ("- catalog\n", "broken.yaml:1: catalog: expected a mapping"),
        ("a: &a [*a]\n", "broken.yaml:"),
    ],
)
def test_what_is_no_mapping_is_said_so(tmp_path: Path, text: str, begins: str) -> None:
    assert problems_of(tmp_path, text)[0].startswith(begins)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogInvalid, match="cannot be read"):
        read_catalog(tmp_path / "none.yaml", version=1)


@pytest.mark.parametrize(
    ("mapping", "begins"),
    [
        ({}, "catalog: is required"),
        ({"catalog": "a/b"}, "catalog: "),
        ({"time_zone": "Mars/Olympus"}, "time_zone: expected an IANA time zone"),
        ({"effective_from": datetime(2026, 1, 1)}, "effective_from: expected an offset"),  # noqa: DTZ001
        ({"effective_from": "soon"}, "effective_from: expected a date"),
        ({"state_reasons": {"ASLEEP": []}}, "state_reasons.ASLEEP: "),
        ({"currencies": [{"code": "EUR", "scale": "2"}]}, "currencies.0.scale: "),
        ({"currencies": [{"code": "EUR"}, {"code": "EUR"}]}, "currencies.1.code: EUR stands twice"),
        ({"bill_cycles": [{"code": "A", "period": "MONTH"}]}, "bill_cycles.0.billing_day: is required"),
        ({"bill_cycles": [{"code": "A", "period": "WEEK"}]}, "bill_cycles.0.billing_day: is required"),
        ({"bill_cycles": [{"code": "A", "period": "WEEK", "billing_day": 8}]}, "bill_cycles.0.billing_day: expected 1"),
        ({"bill_cycles": [{"code": "A", "period": "YEAR", "billing_day": 1}]}, "bill_cycles.0.billing_month: is requ"),
        ({"bill_cycles": [{"code": "A", "period": "DAY", "billing_day": 1}]}, "bill_cycles.0.billing_day: does not"),
        ({"bill_cycles": [{"code": "A", "period": "DAY", "every": 0}]}, "bill_cycles.0.every: "),
        ({"bill_cycles": [{"code": "A", "period": "DAY", "anchor_date": "x"}]}, "bill_cycles.0.anchor_date: expected"),
        ({"default_bill_cycles": [{"bill_cycle": "A", "from_day": 9, "to_day": 2}]}, "default_bill_cycles.0.to_day: "),
        ({"subscription_definitions": [{"definition": "d"}]}, "subscription_definitions.0.subscription_type: is req"),
        ({"switches": {"payment_reversal": "KEEP"}}, "switches.payment_reversal: "),
        ({"switches": {"split_payer": 1}}, "switches.split_payer: "),
        (
            {"dependencies": [{"dependent": {}, "needs_any_of": [{"product": "A"}], "scope": "BUNDLE"}]},
            "dependencies.0.dependent: expected exactly one",
        ),
    ],
)
def test_refused(mapping: dict[str, object], begins: str) -> None:
    named = {"catalog": "test"} | mapping if mapping else mapping

    found = problems(named)

    assert len(found) == 1
    assert found[0].startswith(begins)


@pytest.mark.parametrize("price", [-1, "-0.01", "1.005", 1.005, "NaN", "Infinity", "five", True, None, "1e12", [1]])
def test_no_price(price: object) -> None:
    product = {
        "product": "P",
        "classification": "TERMED",
        "composition": "FLAT",
        "prices": {"EUR": {"activation": price}},
    }

    (found,) = problems({"catalog": "test", "currencies": [{"code": "EUR"}], "products": [product]})

    assert found.startswith("products.0.prices.EUR.activation: expected ")


def test_rows_belong_to_bundles() -> None:
    product = {
        "product": "P",
        "classification": "TERMED",
        "composition": "FLAT",
        "rows": [{"row_id": "r", "family": "F"}],
    }

    assert problems({"catalog": "test", "products": [product]}) == ["products.0.rows: rows belong to bundles only"]
