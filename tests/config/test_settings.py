"""Settings from the environment and from a file, and what a mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import SettingsError, load

GOOD = {"APP_ID": "7", "WEBHOOK_SECRET": "s" * 16, "PRIVATE_KEY": "key"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"PAGEWARDEN_{name}", value)


def test_from_the_environment() -> None:
    settings = load()
    assert settings.app_id == 7
    assert settings.webhook_secrets == ("s" * 16,)
    assert settings.read_private_key() == "key"
    assert settings.redis_url is None


def test_the_profile_is_left_to_each_repository_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().profile is None
    monkeypatch.setenv("PAGEWARDEN_PROFILE", "libpas")
    assert load().profile == "libpas"


def test_two_secrets_for_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGEWARDEN_WEBHOOK_SECRET_PREVIOUS", "an old secret that was long")
    assert load().webhook_secrets == ("s" * 16, "an old secret that was long")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yml"
    file.write_text("app_id: 9\nport: 9000\ntargets: [linux-arm64]\n")
    settings = load(file)
    assert (settings.app_id, settings.port, settings.targets) == (7, 9000, ("linux-arm64",))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("APP_ID", "seven", "PAGEWARDEN_APP_ID: Input should be a valid integer"),
        ("WEBHOOK_SECRET", "short", "PAGEWARDEN_WEBHOOK_SECRET: Value should have at least 16 items"),
        ("WEBHOOK_SECRET_PREVIOUS", "", "PAGEWARDEN_WEBHOOK_SECRET_PREVIOUS: Value should have at least 16 items"),
        ("PRIVATE_KEY_FILE", "/k.pem", "settings: Value error, set exactly one of private_key and private_key_file"),
        ("TASK_TIME_LIMIT", "300", "task_time_limit must be below visibility_timeout"),
        ("PORT", "70000", "PAGEWARDEN_PORT: Input should be less than or equal to 65535"),
    ],
)
def test_a_mistake_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(f"PAGEWARDEN_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load()
    assert says in str(raised.value)


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(f"PAGEWARDEN_{name}")
    with pytest.raises(SettingsError) as raised:
        load()
    assert "PAGEWARDEN_APP_ID: Field required" in str(raised.value)
    assert "PAGEWARDEN_WEBHOOK_SECRET: Field required" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour: red\n", "colour"),
        ("- a list\n", "expected `name: value` lines"),
        ("a: [\n", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "settings.yml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(file)
    assert says in str(raised.value)
    assert str(file) in str(raised.value)


def test_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.yml")
    monkeypatch.delenv("PAGEWARDEN_PRIVATE_KEY")
    monkeypatch.setenv("PAGEWARDEN_PRIVATE_KEY_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"cannot read .*none\.pem: No such file"):
        load().read_private_key()
