"""What is written from the definitions: complete, current, and a picture that can be looked at."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from state.warehouse import WarehouseUnfit
from state.warehouse.catalog import DESCRIBED, DOMAINS
from state.warehouse.definitions import Table, View, moment, text
from state.warehouse.documents import DOCS, dictionary, documents
from state.warehouse.documents.asked import ASKED
from state.warehouse.star import Star, star_of
from streams.command_line import app
from streams.warehouse_documents import NameUnknown, show_dictionary, stale, write_documents

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def star() -> Star:
    return star_of(DESCRIBED)


@pytest.fixture(scope="module")
def drawn() -> ET.Element:
    return ET.fromstring(documents()[f"{DOCS}/{dictionary.PICTURE}"])


def test_what_is_committed_is_what_the_definitions_make() -> None:
    assert stale() == [], "run `billfold warehouse documents`"


def test_every_table_and_view_has_a_domain() -> None:
    placed = [each.name for domain in DOMAINS for each in domain.described]
    assert sorted(placed) == sorted(DESCRIBED)


def test_the_pages_say_every_column() -> None:
    pages = dictionary.pages()
    for domain in DOMAINS:
        for each in domain.described:
            part = pages[f"{domain.name}.md"].partition(f"<b>{each.name}</b>")[2].partition("</details>")[0]
            assert re.findall(r"^\| `(\w+)`", part, re.MULTILINE) == [column.name for column in each.columns]
            assert part.count("sealed") >= sum(column.pii for column in each.columns)


def test_the_guide_names_every_fact_and_dimension() -> None:
    named = {name for questions in ASKED.values() for names in questions.values() for name in names}
    assert named <= set(DESCRIBED)
    told = {name for name in DESCRIBED if name.startswith(("fact_", "dim_"))}
    assert not told - named, "somebody will ask for it"


def test_links_between_pages_lead_somewhere() -> None:
    pages = dictionary.pages()
    for name, page in pages.items():
        for link in re.findall(r"\]\(([^)]+)\)", page):
            page_of, _, place = link.partition("#")
            assert page_of in {"", *pages, dictionary.PICTURE}, f"{name}: {link}"
            assert not place or f'<a id="{place}">' in pages[page_of or name], f"{name}: {link}"


def test_writing_twice_changes_nothing_and_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert write_documents(tmp_path)
    left = tmp_path / "state" / "warehouse" / "docs" / "gone.md"
    left.write_text("of a domain that was renamed")
    assert write_documents(tmp_path) == ["state/warehouse/docs/gone.md"]
    assert not left.exists()
    assert write_documents(tmp_path) == []


def test_documents_are_written_into_a_checkout_only(tmp_path: Path) -> None:
    with pytest.raises(WarehouseUnfit, match="is no checkout"):
        write_documents(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_facts_join_dimensions_through_the_columns_they_share(star: Star) -> None:
    joins = {(join.dimension, join.column) for join in star.joins_of("fact_service_swap")}
    assert joins == {
        ("dim_customer", "customer_id"),
        ("dim_subscription", "subscription_id"),
        ("dim_subscription_service", "from_service_id"),
        ("dim_subscription_service", "to_service_id"),
    }
    roles = [join.role(star.dimensions[join.dimension]) for join in star.joins_of("fact_service_swap")]
    assert roles == ["", "", "from", "to"]


def test_each_dimension_is_joined_by_what_identifies_it(star: Star) -> None:
    assert star.dimensions["dim_customer"].key == ("customer_id",)
    assert star.dimensions["dim_subscription_service"].key == ("customer_id", "service_id")
    assert star.dimensions["dim_installed_item"].key == ("customer_id", "item_id")


def test_a_dimension_that_nothing_identifies_is_a_mistake() -> None:
    columns = (text("customer_id", "Customer"), text("order_id", "Order"), moment("valid_from", "Since when"))
    with pytest.raises(LookupError, match="dim_account has no column"):
        star_of({"dim_account": View("dim_account", "", columns, "")})


def test_the_picture_is_svg_and_shows_every_fact_dimension_and_join(star: Star, drawn: ET.Element) -> None:
    words = {element.text for element in drawn.iter(f"{SVG}text")}
    assert words >= {*star.facts, *star.dimensions}
    assert words >= {"order · itself, needed_by", "subscription_service · from, to"}
    from_facts = {(join.origin, join.dimension) for join in star.joins if join.origin in star.facts}
    assert len(list(drawn.iter(f"{SVG}path"))) == len(from_facts)


def test_the_picture_keeps_within_its_frame(drawn: ET.Element) -> None:
    width, height = float(drawn.attrib["width"]), float(drawn.attrib["height"])
    for box in drawn.iter(f"{SVG}rect"):
        left, top = float(box.get("x", 0)), float(box.get("y", 0))
        assert left >= 0
        assert left + float(box.attrib["width"]) <= width
        assert top + float(box.attrib["height"]) <= height


def test_a_table_on_the_terminal() -> None:
    shown = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["warehouse", "dictionary", "log_customer"])
    assert shown.exit_code == 0
    assert "Every version of every customer" in shown.output
    assert re.search(r"name +TEXT +null, sealed +Name of the customer", shown.output)


def test_without_a_name_there_is_a_list() -> None:
    shown = CliRunner().invoke(app, ["warehouse", "dictionary"])
    assert all(each.name in shown.output for each in DESCRIBED.values())


def test_a_name_that_nobody_defined_is_told_with_those_near_it() -> None:
    with pytest.raises(NameUnknown, match=r"no table or view dim_acount\. Did you mean dim_account"):
        show_dictionary(["dim_acount"])


def test_keys_of_tables_are_columns() -> None:
    for each in DESCRIBED.values():
        if isinstance(each, Table):
            assert set(each.key) <= {column.name for column in each.columns}, each.name
