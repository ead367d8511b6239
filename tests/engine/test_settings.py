from pathlib import Path

import pytest

from streams.settings import SettingsUnfit, load


def test_the_environment_counts_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "billfold.toml").write_text('group = "file"\npartitions = 3\n[kafka]\n"client.id" = "x"\n')
    monkeypatch.setenv("BILLFOLD_GROUP", "environment")
    settings = load(instance="a")
    assert (settings.group, settings.partitions, settings.transactional_id) == ("environment", 3, "environment-a")
    assert settings.client_properties()["client.id"] == "x"


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("hush\n")
    monkeypatch.setenv("BILLFOLD_SASL_PASSWORD_FILE", str(tmp_path / "password"))
    settings = load()
    assert settings.client_properties()["sasl.password"] == "hush"
    assert "hush" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"partitions": "many"}, "Setting partitions: Input should be a valid integer"),
        ({"pii": "maybe"}, "Setting pii: Input should be 'sealed' or 'plain'"),
        (
            {"bootstrap_servers": "kafka.example.com:9092"},
            "plain text to kafka.example.com:9092 needs `insecure = true`",
        ),
        ({"colour": "red"}, "Setting colour: Extra inputs are not permitted"),
        ({"sasl_password": 7}, "Setting sasl_password: Input should be a valid string."),
    ],
)
def test_a_wrong_setting_is_one_sentence_without_its_value(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsUnfit) as refusal:
        load(**given)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_plain_text_stays_on_this_machine_unless_it_is_allowed() -> None:
    load(bootstrap_servers="localhost:1,127.0.0.2:2,[::1]:3")
    load(bootstrap_servers="kafka.example.com:9092", insecure=True)
    load(bootstrap_servers="kafka.example.com:9092", kafka={"security.protocol": "SASL_SSL"})


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLFOLD_SASL_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(SettingsUnfit, match=r"BILLFOLD_SASL_PASSWORD_FILE: .*No such file"):
        load()
