"""From an empty database to a charger that may connect, as the README tells it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from domain import api_keys, charger_keys, passwords
from domain.models.chargers import Charger, QrCode
from domain.models.operators import ApiKey, Operator, Role, UserAccount
from domain.models.payments import PaymentAccount
from domain.models.stations import Station
from domain.models.tokens import Token, TokenStatus
from tests import factories
from tests.factories import NOW


def test_it_makes_the_first_login(db, flask):
    answer = flask("user", "create", "--email", "Ada@Example.com", "--role", "platform-admin")

    user = db.scalars(select(UserAccount)).one()
    password = answer.stdout.split("sign-in: ")[1].splitlines()[0]
    assert answer.stdout.splitlines()[-1] == str(user.id)
    assert (user.email, user.name, user.role) == ("ada@example.com", "Ada", Role.PLATFORM_ADMIN)
    assert user.must_change_password
    assert passwords.matches(user.password_hash, password)


def test_a_given_password_is_kept_and_not_told(db, make, flask):
    operator = make(factories.operator)

    answer = flask(
        "user", "create", "--email", "alice@example.com", "--role", "owner",
        "--operator", str(operator.id), "--password", "tall ships sail",
    )  # fmt: skip

    user = db.scalars(select(UserAccount)).one()
    assert "tall ships sail" not in answer.output
    assert (user.operator_id, user.must_change_password) == (operator.id, False)
    assert passwords.matches(user.password_hash, "tall ships sail")


def test_it_makes_an_operator(db, last_line):
    made = last_line("operator", "create", "--name", "Harbour Energy", "--currency", "SEK", "--country", "SE")

    operator = db.scalars(select(Operator)).one()
    assert made == str(operator.id)
    assert (operator.name, operator.currency, operator.country) == ("Harbour Energy", "SEK", "SE")


def test_it_makes_a_station(db, make, last_line):
    operator = make(factories.operator, currency="SEK", country="SE")

    made = last_line(
        "station", "create", "--operator", str(operator.id), "--name", "Slussen", "--time-zone", "Europe/Stockholm",
        "--address", "Katarinavägen 1",
    )  # fmt: skip

    station = db.scalars(select(Station)).one()
    assert made == str(station.id)
    assert (station.time_zone, station.currency, station.hold_minor) == ("Europe/Stockholm", "SEK", 50_000)
    assert (station.country, station.address) == ("SE", "Katarinavägen 1")


def test_it_adds_a_charger_and_tells_its_password_once(db, make, last_line):
    station = make(factories.station, name="Harbour Garage")

    password = last_line("charger", "add", "--station", str(station.id), "--device-id", "HE60D01930044")

    charger = db.scalars(select(Charger)).one()
    assert len(password) == 40
    assert charger_keys.matches(charger.password_salt, charger.password_hash, password.encode())
    assert charger_keys.matches(charger.password_salt, charger.password_hash, bytes.fromhex(password))
    assert (charger.label, charger.security_profile) == ("HG-01", 1)
    assert db.scalars(select(QrCode)).one().charger_id == charger.id


def test_a_charger_may_bring_its_password(db, make, last_line):
    station = make(factories.station)

    told = last_line(
        "charger", "add", "--station", str(station.id), "--device-id", "CP 1", "--device-account", "acc-7",
        "--password", "carry-on-0815",
    )  # fmt: skip

    charger = db.scalars(select(Charger)).one()
    assert told == "CP 1"
    assert charger.device_account == "acc-7"
    assert charger_keys.matches(charger.password_salt, charger.password_hash, b"carry-on-0815")


def test_it_makes_an_api_key_without_refunds(db, make, last_line):
    operator = make(factories.operator)

    secret = last_line("api-key", "create", "--operator", str(operator.id), "--name", "billing system")

    key = db.scalars(select(ApiKey)).one()
    assert key.scopes == ["read", "write", "commands"]
    assert api_keys.find(db, secret, NOW).id == key.id
    assert secret not in key.key_hash


@pytest.mark.parametrize("given", [["--scope", "read", "--scope", "refunds"], ["--scope", "read,refunds"]])
def test_an_api_key_has_the_scopes_it_was_given(db, make, last_line, given):
    operator = make(factories.operator)

    last_line("api-key", "create", "--operator", str(operator.id), "--name", "refunder", *given)

    assert db.scalars(select(ApiKey)).one().scopes == ["read", "refunds"]


def test_it_adds_a_token(db, make, last_line):
    operator = make(factories.operator)

    told = last_line(
        "token", "add", "--operator", str(operator.id), "--uid", "04a1b2", "--status", "Blocked",
        "--expires-at", "2027-01-01", "--name", "Van 7",
    )  # fmt: skip

    token = db.scalars(select(Token)).one()
    assert told == "04a1b2"
    assert (token.uid_key, token.status, token.name) == ("04A1B2", TokenStatus.BLOCKED, "Van 7")
    assert token.expires_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_stations_take_test_money(db, make, last_line):
    operator = make(factories.operator)
    before = make(factories.station, operator)

    account_id = last_line("payment-account", "create", "--operator", str(operator.id))
    last_line("station", "create", "--operator", str(operator.id), "--name", "New", "--time-zone", "UTC")

    account = db.scalars(select(PaymentAccount)).one()
    db.refresh(before)
    assert (account_id, account.provider, account.is_test) == (str(account.id), "sandbox", True)
    assert {station.payment_account_id for station in db.scalars(select(Station))} == {account.id}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["operator", "create", "--name", " "], "Give the operator a name"),
        (["operator", "create", "--name", "X", "--currency", "EUT"], "This currency is not known"),
        (["operator", "create", "--name", "X", "--country", "ZZ"], "two-letter country code"),
        (["station", "create", "--operator", "77", "--name", "X", "--time-zone", "UTC"], "There is no operator 77"),
        (["charger", "add", "--station", "77", "--device-id", "X"], "There is no station 77"),
        (["api-key", "create", "--operator", "77", "--name", "X"], "There is no operator 77"),
        (["token", "add", "--operator", "77", "--uid", "X", "--status", "Accepted"], "There is no operator 77"),
        (["token", "add", "--operator", "77", "--uid", "X", "--status", "Lost"], "Invalid value for '--status'"),
        (["user", "create", "--email", "nobody", "--role", "platform-admin"], "not an e-mail address"),
        (["user", "create", "--email", "a@example.com", "--role", "owner"], "belongs to an operator"),
        (["user", "create", "--email", "a@b.example", "--role", "boss"], "Invalid value for '--role'"),
    ],
)
def test_a_refusal_is_a_sentence_on_stderr(flask, arguments, sentence):
    answer = flask(*arguments)

    assert answer.exit_code != 0
    assert answer.stdout == ""
    assert sentence in answer.stderr


@pytest.mark.parametrize("device_id", ["", "a/b", "a:b", "..", " x", "x" * 49, "ä", "a%20b", "a\nb"])
def test_it_refuses_an_identity_that_cannot_be_in_an_address(db, make, flask, device_id):
    station = make(factories.station)

    answer = flask("charger", "add", "--station", str(station.id), f"--device-id={device_id}")

    assert answer.exit_code != 0
    assert "Use 1 to 48 letters" in answer.stderr
    assert db.scalars(select(Charger)).all() == []


def test_it_refuses_an_identity_that_is_taken_in_whatever_case(make, flask):
    charger = make(factories.charger, device_id="HE60D1")

    answer = flask("charger", "add", "--station", str(charger.station_id), "--device-id", "he60d1")

    assert answer.exit_code != 0
    assert "registered already" in answer.stderr


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaa", "my-HE60D1-password", "tab\tinside-it", "x" * 65, "pässwort-lang"]
)
def test_it_refuses_a_weak_charger_password(make, flask, password):
    station = make(factories.station)

    answer = flask("charger", "add", "--station", str(station.id), "--device-id", "HE60D1", "--password", password)

    assert answer.exit_code != 0
    assert "password" in answer.stderr


def test_nobody_has_two_accounts_with_one_email(make, flask):
    make(factories.user, make(factories.operator), email="alice@example.com")

    answer = flask("user", "create", "--email", "ALICE@example.com", "--role", "platform-admin")

    assert answer.exit_code != 0
    assert "already" in answer.stderr


@pytest.mark.parametrize(
    "group", ["user", "operator", "station", "charger", "api-key", "token", "payment-account", "demo", "tls"]
)
def test_it_lists_its_options(flask, group):
    assert flask(group, "--help").exit_code == 0
