"""One charger's upgrade: planned, asked once, its messages, boots and silence, and what each comes to."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain import chargers_said, commands, firmware_progress, firmware_states, firmware_upgrades, secret_links
from domain.charger_clock import ChargerTime
from domain.errors import Conflict, NotFound, Refused
from domain.firmware_upgrades import AlreadyUpgrading
from domain.models.charging import SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.firmware import UpgradeStatus
from domain.models.secret_links import SecretLink
from tests import factories

NOW = factories.NOW
URL = "https://volt.example"
ALICE = "alice@example.com"
U = UpgradeStatus


def minutes(count):
    return NOW + timedelta(minutes=count)


@pytest.fixture
def world(db):
    charger = factories.duo(db)
    return charger, factories.release(db)


def planned(db, world, **values):
    return firmware_upgrades.plan(db, *world, by=ALICE, now=NOW, **values)


def command_of(db, upgrade):
    return db.get_one(Command, upgrade.command_id, populate_existing=True)


def asked(db, world, **values):
    """An upgrade whose CALL the charger has accepted."""
    upgrade = planned(db, world, **values)
    assert firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)
    answer(db, upgrade)
    return upgrade


def send(db, upgrade, moment=NOW):
    command = command_of(db, upgrade)
    command.status, command.sent_at = CommandStatus.SENT, moment
    db.flush()


def answer(db, upgrade, status=CommandStatus.ACCEPTED, error=None, response=None, moment=NOW):
    commands.settle(db, upgrade.command_id, status, moment, error=error, response=response or {})
    follow(db, moment)


def follow(db, moment):
    db.expire_all()
    for upgrade_id in firmware_progress.to_follow(db, moment):
        firmware_progress.follow(db, upgrade_id, moment)


def say(db, world, *statuses, moment=NOW, request_id=None):
    for status in statuses:
        chargers_said.firmware(db, world[0], status, request_id, moment)


def boot(db, world, version, moment=NOW):
    said = {"chargePointVendor": "Nordvolt", "chargePointModel": "Duo 60"} | (
        {"firmwareVersion": version} if version else {}
    )
    chargers_said.boot(db, world[0].id, said, moment)
    db.expire_all()


def fetch(db, upgrade, moment=NOW):
    return firmware_upgrades.fetch(db, secret_of(db, upgrade), moment)


def secret_of(db, upgrade):
    payload = json.loads(command_of(db, upgrade).payload)
    location = payload.get("location") or payload["firmware"]["location"]
    return location.split("/")[4]


def word(db, world):
    db.expire_all()
    state = firmware_states.states(db, [world[0]])[world[0].id]
    return state.word.value


def in_sql(db, world):
    operator_id = world[0].operator_id
    return [word.value for word, count in firmware_states.counts(db, operator_id).items() if count]


def outcome(db, upgrade):
    db.refresh(upgrade)
    return upgrade.status, upgrade.sentence


# --- Planning -------------------------------------------------------------------------------------------------------


def test_a_second_plan_for_the_charger_is_refused(db, world):
    planned(db, world)

    with pytest.raises(AlreadyUpgrading, match=r"waits to be upgraded to 2\.9\.0 as alice@example\.com asked"):
        planned(db, world)


def test_a_release_for_another_model_or_not_newer_or_withdrawn_is_refused(db, world):
    charger = world[0]
    for release, sentence in (
        (factories.release(db, models=("Wall 22",)), "is not for"),
        (factories.release(db, "2.8.0"), "already runs 2.8.1; 2.8.0 is not newer"),
        (factories.release(db, "3.0", is_published=False, withdrawn_because="Bricks."), "was withdrawn: Bricks"),
    ):
        with pytest.raises(Refused, match=sentence):
            firmware_upgrades.plan(db, charger, release, by=ALICE, now=NOW)


@pytest.mark.parametrize(
    "times", [{"ends_at": NOW}, {"not_before": minutes(9), "ends_at": minutes(8)}, {"ends_at": minutes(9**7)}]
)
def test_times_that_make_no_sense_are_refused(db, world, times):
    with pytest.raises(Refused):
        planned(db, world, **times)


# --- Asking ---------------------------------------------------------------------------------------------------------


def test_the_charger_is_told_where_the_file_is_once(db, world):
    upgrade = planned(db, world)

    assert firmware_upgrades.due(db, NOW) == [upgrade.id]
    assert [firmware_upgrades.ask(db, upgrade.id, URL, NOW) for _ in range(2)] == [True, False]
    assert firmware_upgrades.due(db, NOW) == []

    command = command_of(db, upgrade)
    payload = json.loads(command.payload)
    assert (command.action, command.asked_by) == ("UpdateFirmware", ALICE)
    assert payload | {"location": ""} == {
        "location": "",
        "retries": 3,
        "retryInterval": 60,
        "retrieveDate": "2026-11-20T11:04:00Z",
    }
    assert payload["location"].startswith("https://volt.example/fw/")
    assert payload["location"].endswith("/Duo_60-2.9.0.bin")
    assert db.scalar(select(func.count()).select_from(Command)) == 1


def test_nobody_is_asked_before_the_time_offline_or_while_a_car_charges(db, world):
    charger = world[0]
    planned(db, world, not_before=minutes(10))
    assert firmware_upgrades.due(db, minutes(9)) == []

    running = factories.charging(db, charger, status=SessionStatus.ACTIVE, stopped_at=None)
    assert firmware_upgrades.due(db, minutes(10)) == []
    running.status = SessionStatus.COMPLETED
    charger.node = None
    db.flush()
    assert firmware_upgrades.due(db, minutes(10)) == []
    charger.node = "ocpp-1"
    db.flush()
    assert len(firmware_upgrades.due(db, minutes(10))) == 1


def test_a_session_does_not_wait_if_a_person_said_so(db, world):
    factories.charging(db, world[0], status=SessionStatus.ACTIVE, stopped_at=None)

    upgrade = planned(db, world, during_session=True)

    assert firmware_upgrades.due(db, NOW) == [upgrade.id]


def test_what_is_no_longer_needed_is_left_out(db, world):
    charger, release = world
    upgrade = planned(db, world)
    charger.firmware_version = "2.9.0"
    db.flush()

    assert not firmware_upgrades.ask(db, upgrade.id, URL, NOW)

    assert outcome(db, upgrade) == (U.LEFT_OUT, "It runs 2.9.0 already.")


def test_a_withdrawn_release_is_not_sent_any_more(db, world):
    upgrade = planned(db, world)
    world[1].is_published, world[1].withdrawn_because = False, "Bricks."
    db.flush()

    assert not firmware_upgrades.ask(db, upgrade.id, URL, NOW)

    assert outcome(db, upgrade) == (U.LEFT_OUT, "2.9.0 was withdrawn: Bricks.")


def test_a_charger_that_was_never_there_is_left_out_at_the_end(db, world):
    upgrade = planned(db, world, ends_at=minutes(60))

    follow(db, minutes(60))

    assert outcome(db, upgrade) == (U.LEFT_OUT, "There was no chance to upgrade it before the end.")


def test_a_command_that_never_went_out_is_asked_anew(db, world):
    upgrade = planned(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    old = secret_of(db, upgrade)
    world[0].node = None
    commands.expire(db, minutes(2))

    follow(db, minutes(2))

    assert (outcome(db, upgrade)[0], upgrade.command_id) == (U.WAITING, None)
    with pytest.raises(NotFound):
        firmware_upgrades.fetch(db, old, minutes(2))


def test_a_command_that_may_have_been_heard_is_not_sent_again(db, world):
    upgrade = planned(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)
    commands.forget_sockets(db, world[0].id, before_epoch=2, now=NOW)  # the command's socket, if it had one
    answer(db, upgrade, CommandStatus.FAILED, commands.LOST)

    follow(db, minutes(9))
    still = outcome(db, upgrade)[0]
    follow(db, minutes(10))

    assert still is U.ASKED
    assert outcome(db, upgrade) == (U.FAILED, "The charger never answered. It may not have heard of the upgrade.")
    assert db.scalar(select(func.count()).select_from(Command)) == 1


def test_a_refusal_fails_with_its_reason(db, world):
    upgrade = planned(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)

    answer(db, upgrade, CommandStatus.REJECTED, "NotImplemented: no firmware management")

    assert outcome(db, upgrade) == (
        U.FAILED,
        "The charger refused the upgrade: NotImplemented: no firmware management.",
    )


# --- Signed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(db):
    charger = factories.duo(db)
    return charger, factories.release(db, signature="c2lnbmVk", signing_certificate="-----BEGIN CERTIFICATE-----")


def test_a_charger_with_the_security_extension_gets_the_signed_call(db, signed):
    chargers_said.security_event(db, signed[0], "StartupOfTheDevice", None, ChargerTime(NOW, None), NOW)
    upgrade = planned(db, signed)

    firmware_upgrades.ask(db, upgrade.id, URL, NOW)

    command = command_of(db, upgrade)
    payload = json.loads(command.payload)
    assert command.action == "SignedUpdateFirmware"
    assert payload["requestId"] == upgrade.id
    assert payload["firmware"] | {"location": ""} == {
        "location": "",
        "retrieveDateTime": "2026-11-20T11:04:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "c2lnbmVk",
    }


def test_a_charger_that_tells_a_security_profile_gets_the_signed_call(db, signed):
    response = {"configurationKey": [{"key": "SecurityProfile", "readonly": False, "value": "1"}]}
    factories.command(db, signed[0], action="GetConfiguration", response=response)

    assert firmware_upgrades.takes_signed(db, signed[0].id)


def test_a_charger_that_does_not_know_the_signed_call_is_asked_without(db, signed):
    factories.command(db, signed[0], action="SignedUpdateFirmware")
    upgrade = planned(db, signed)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)

    answer(db, upgrade, CommandStatus.REJECTED, "NotImplemented: what is that", moment=NOW)
    firmware_upgrades.ask(db, upgrade.id, URL, minutes(1))

    assert (command_of(db, upgrade).action, upgrade.is_signed) == ("UpdateFirmware", False)


def test_an_unsigned_release_never_makes_a_signed_call(db, world):
    factories.command(db, world[0], action="SignedUpdateFirmware")
    upgrade = planned(db, world)

    firmware_upgrades.ask(db, upgrade.id, URL, NOW)

    assert command_of(db, upgrade).action == "UpdateFirmware"


def test_a_revoked_certificate_fails_at_once(db, signed):
    factories.command(db, signed[0], action="SignedUpdateFirmware")
    upgrade = planned(db, signed)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)

    answer(db, upgrade, CommandStatus.REJECTED, response={"status": "RevokedCertificate"})

    assert outcome(db, upgrade) == (U.FAILED, "The charger says that the signing certificate was revoked.")


def test_a_status_of_another_request_is_not_meant(db, signed):
    factories.command(db, signed[0], action="SignedUpdateFirmware")
    upgrade = asked(db, signed)

    say(db, signed, "Downloading", "InvalidSignature", request_id=upgrade.id + 7)
    unmoved = (upgrade.status, upgrade.said)
    say(db, signed, "Downloading", request_id=upgrade.id)
    say(db, signed, "InvalidSignature")  # without its id (quirk C13)

    assert unmoved == (U.RUNNING, None)
    assert outcome(db, upgrade) == (U.FAILED, "The charger found that the signature does not fit the file.")


# --- Progress -------------------------------------------------------------------------------------------------------


def test_the_usual_way(db, world):
    assert word(db, world) == "Upgradeable"
    upgrade = planned(db, world)
    before = word(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    send(db, upgrade)
    answer(db, upgrade)
    fetch(db, upgrade)
    say(db, world, "Downloading", "Downloaded", "Installing")
    during = word(db, world), in_sql(db, world)
    boot(db, world, "2.9.0", minutes(1))
    say(db, world, "Installed", moment=minutes(2))

    assert before == "Upgradeable"
    assert during == ("Upgrading", ["Upgrading"])
    assert outcome(db, upgrade) == (U.INSTALLED, "The charger started with 2.9.0.")
    assert (word(db, world), in_sql(db, world)) == ("No upgrade required", ["No upgrade required"])
    assert db.scalars(select(SecretLink)).all() == []


def test_installed_before_the_boot(db, world):
    upgrade = asked(db, world)

    say(db, world, "Downloading", "Installing", "Installed")
    assert outcome(db, upgrade)[0] is U.RUNNING
    boot(db, world, "v2.9.0", minutes(1))

    assert outcome(db, upgrade) == (U.INSTALLED, "The charger started with v2.9.0.")


def test_installed_is_said_after_the_boot(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "Installing")
    boot(db, world, "2.9.0", minutes(1))
    assert outcome(db, upgrade) == (U.INSTALLED, 'The charger started with 2.9.0. It did not say "Installed".')

    say(db, world, "Installed", moment=minutes(2))

    assert outcome(db, upgrade) == (U.INSTALLED, "The charger started with 2.9.0.")


def test_installed_after_the_boot(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "Installing", "InstallRebooting")
    boot(db, world, "2.9.0")

    assert outcome(db, upgrade) == (U.INSTALLED, "The charger started with 2.9.0.")


def test_a_charger_that_says_installed_and_boots_the_old_firmware(db, world):
    upgrade = asked(db, world)

    say(db, world, "Downloading", "Installing", "Installed")
    boot(db, world, "2.8.1", minutes(1))

    sentence = 'The charger said "Installed", but started with 2.8.1, not with 2.9.0.'
    assert outcome(db, upgrade) == (U.FAILED, sentence)
    assert (word(db, world), in_sql(db, world)) == ("Upgrade Failed", ["Upgrade Failed"])


def test_a_charger_that_fails_and_then_boots_the_new_firmware_after_all(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "InstallationFailed")

    boot(db, world, "2.9.0", minutes(90))

    sentence = "The charger started with 2.9.0 after all. Before: The charger has the file but could not install it."
    assert outcome(db, upgrade) == (U.INSTALLED, sentence)
    assert word(db, world) == "No upgrade required"


def test_installed_without_a_boot_is_asked_about_and_then_not_believed(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "Installed")

    follow(db, minutes(1))
    follow(db, minutes(2))
    triggers = db.scalars(select(Command).where(Command.action == "TriggerMessage")).all()
    follow(db, minutes(10))

    assert [each.payload for each in triggers] == ['{"requestedMessage":"BootNotification"}']
    sentence = 'The charger said "Installed", but still tells version 2.8.1. Reboot it, then look again.'
    assert outcome(db, upgrade) == (U.FAILED, sentence)


def test_the_answer_to_that_question_is_believed(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "Installed")
    follow(db, minutes(1))

    boot(db, world, "2.9.0", minutes(1))

    assert outcome(db, upgrade)[0] is U.INSTALLED


def test_a_boot_in_between_decides_nothing(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading", "Downloaded")
    boot(db, world, "2.8.1", minutes(1))
    boot(db, world, None, minutes(2))

    assert outcome(db, upgrade)[0] is U.RUNNING


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        (["Downloading", "InstallationFailed"], "The charger has the file but could not install it."),
        (["InstallationFailed"], "The charger has the file but could not install it."),
        (
            ["Downloading", "DownloadFailed"],
            "The charger could not download the file. "
            "It never asked for the file: see that it can reach the address of these pages.",
        ),
        (["InstallVerificationFailed"], "The charger installed the file and found that it does not work."),
    ],
)
def test_failures(db, world, statuses, sentence):
    upgrade = asked(db, world)

    say(db, world, *statuses)

    assert outcome(db, upgrade) == (U.FAILED, sentence)
    assert (word(db, world), in_sql(db, world)) == ("Upgrade Failed", ["Upgrade Failed"])


def test_a_failed_download_of_a_file_that_was_fetched(db, world):
    upgrade = asked(db, world)
    fetch(db, upgrade)

    say(db, world, "DownloadFailed")

    assert outcome(db, upgrade)[1] == "The charger could not download the file."


def test_a_flood_about_an_earlier_upgrade_decides_nothing(db, world):
    say(db, world, *["InstallationFailed"] * 5)
    upgrade = planned(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)
    say(db, world, "DownloadFailed")  # not even sent yet
    world[0].firmware_status = "InstallationFailed"
    send(db, upgrade)
    answer(db, upgrade)

    say(db, world, *["InstallationFailed"] * 50, *["Installed"] * 50, *["Idle"] * 50)

    assert outcome(db, upgrade)[0] is U.RUNNING


def test_statuses_that_nobody_asked_for_change_nothing(db, world):
    say(db, world, "Downloading", "Installed", "Idle", "InstallationFailed", "Idle")

    assert word(db, world) == "Upgradeable"


def test_silence_for_an_hour_fails(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloading")

    follow(db, minutes(59))
    still = outcome(db, upgrade)[0]
    follow(db, minutes(60))

    assert still is U.RUNNING
    assert outcome(db, upgrade) == (U.FAILED, 'The charger told nothing for an hour; its last word was "Downloading".')


def test_a_running_session_is_no_silence(db, world):
    upgrade = asked(db, world)
    say(db, world, "Downloaded")
    factories.charging(db, world[0], status=SessionStatus.ACTIVE, stopped_at=None)

    follow(db, minutes(61))

    assert outcome(db, upgrade)[0] is U.RUNNING


# --- The link -------------------------------------------------------------------------------------------------------


def test_the_address_works_again_and_again_and_is_dead_at_the_end(db, world):
    upgrade = asked(db, world)
    secret = secret_of(db, upgrade)

    for _ in range(50):
        assert firmware_upgrades.fetch(db, secret, NOW).release is world[1]
    say(db, world, "Downloading", "InstallationFailed")

    with pytest.raises(NotFound):
        firmware_upgrades.fetch(db, secret, NOW)


def test_the_address_expires(db, world):
    upgrade = asked(db, world)

    with pytest.raises(NotFound):
        fetch(db, upgrade, NOW + firmware_upgrades.LINK_LASTS)


def test_other_links_open_no_firmware(db, world):
    upgrade = asked(db, world)
    other = secret_links.make(
        db, secret_links.Purpose.DIAGNOSTICS, upgrade.id, lasts=timedelta(hours=1), uses=9, now=NOW
    )

    for secret in (other, "", "x" * 5000, "../../etc/passwd"):
        with pytest.raises(NotFound):
            firmware_upgrades.fetch(db, secret, NOW)


# --- Cancelling -----------------------------------------------------------------------------------------------------


def test_a_waiting_upgrade_is_cancelled(db, world):
    upgrade = planned(db, world)

    firmware_upgrades.cancel(db, upgrade.id, by=ALICE, now=NOW)

    assert outcome(db, upgrade) == (U.CANCELLED, "Cancelled by alice@example.com.")
    assert word(db, world) == "Upgradeable"
    with pytest.raises(Conflict):
        firmware_upgrades.cancel(db, upgrade.id, by=ALICE, now=NOW)


def test_a_command_that_waits_is_withdrawn(db, world):
    upgrade = planned(db, world)
    firmware_upgrades.ask(db, upgrade.id, URL, NOW)

    firmware_upgrades.cancel(db, upgrade.id, by=ALICE, now=NOW)

    assert command_of(db, upgrade).status is CommandStatus.EXPIRED
    assert outcome(db, upgrade) == (U.CANCELLED, "Cancelled by alice@example.com.")


def test_a_charger_that_was_asked_already_may_still_install(db, world):
    upgrade = asked(db, world)
    secret = secret_of(db, upgrade)

    firmware_upgrades.cancel(db, upgrade.id, by=ALICE, now=NOW)
    say(db, world, "Downloading", "Installed")
    boot(db, world, "2.9.0")

    assert outcome(db, upgrade)[1].endswith("if it has the whole file, it may still install it.")
    assert word(db, world) == "No upgrade required"
    with pytest.raises(NotFound):
        firmware_upgrades.fetch(db, secret, NOW)


# --- Words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"version": "2.9.0"}, "Version 2.9.0 is the newest one published."),
        ({"version": "3.0"}, "Version 3.0 is newer than every published one."),
        ({"model": "Wall 22"}, "No firmware is published for this model."),
        (
            {"version": "Cirrus"},
            "Whether 2.9.0 is newer than Cirrus cannot be told from the names. "
            "Platform staff can say which version it comes after.",
        ),
    ],
)
def test_no_upgrade_required_says_why(db, told, sentence):
    charger = factories.duo(db, **told)
    factories.release(db)

    state = firmware_states.states(db, [charger])[charger.id]

    assert (state.word, state.sentence) == ("No upgrade required", sentence)
    assert in_sql(db, (charger,)) == ["No upgrade required"]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"version": None}, "The charger has not told its version; the newest one published is 2.9.0."),
        ({"model": None}, "The charger has not told its model yet."),
    ],
)
def test_what_a_charger_has_not_told_is_not_known(db, told, sentence):
    charger = factories.duo(db, **told)
    factories.release(db)

    state = firmware_states.states(db, [charger])[charger.id]

    assert (state.word, state.sentence) == ("Not known yet", sentence)
    assert in_sql(db, (charger,)) == ["Not known yet"]
    assert firmware_states.counts(db, charger.operator_id)["No upgrade required"] == 0


def test_a_success_after_a_failure_is_no_failure(db, world):
    failed = asked(db, world)
    say(db, world, "Downloading", "DownloadFailed")
    factories.release(db, "2.9.5")
    second = asked(db, world)
    boot(db, world, "2.9.0")

    assert (outcome(db, failed)[0], outcome(db, second)[0]) == (U.FAILED, U.INSTALLED)
    assert (word(db, world), in_sql(db, world)) == ("Upgradeable", ["Upgradeable"])
