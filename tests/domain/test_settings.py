"""Settings come from the environment, and every one of them is documented."""

import re
from pathlib import Path

import pytest

from domain.settings import Settings


def test_defaults_run_on_a_laptop(tmp_path):
    settings = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})

    assert settings.database_url == f"sqlite:///{tmp_path}/voltdesk.db"
    assert settings.public_url == "http://localhost:8000"
    assert settings.ocpp_public_url == "ws://localhost:9000"


def test_the_secret_key_survives_a_restart(tmp_path):
    first = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})

    second = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})

    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PORT", "eighty"),
        ("WEB_PORT", "0"),
        ("OCPP_PORT", "70000"),
        ("OCPP_PORT", "1_000"),
        ("OCPP_DEFLATE", "on!"),
    ],
)
def test_nonsense_is_refused_with_the_name_of_the_variable(tmp_path, name, value):
    with pytest.raises(ValueError, match=name):
        Settings.from_env({"INSTANCE_DIR": str(tmp_path), name: value})


def test_every_setting_is_in_the_example_file():
    read = set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', Path("domain/settings.py").read_text()))

    documented = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", Path(".env.example").read_text(), re.MULTILINE))

    assert read == documented


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (None, {"owner", "finance"}),
        ("", {"owner", "finance"}),
        ("none", set()),
        ("owner", {"owner"}),
        ("technician, operator-support", {"technician", "operator_support"}),
    ],
)
def test_owners_and_finance_need_a_second_factor_unless_the_installation_says_otherwise(tmp_path, said, asked):
    settings = Settings.from_env({"INSTANCE_DIR": str(tmp_path), "SECOND_FACTOR_ROLES": said})

    assert {role.value for role in settings.second_factor_roles} == asked | {"platform_admin", "platform_support"}
