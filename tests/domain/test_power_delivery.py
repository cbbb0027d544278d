"""A wish reaches its charger: asked what it understands, told, confirmed; refused, offline, lost and told again."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from domain import commands, power, power_delivery, power_sharing, power_spots
from domain.errors import NotFound
from domain.models.charging import SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.power import (
    LimitUnit,
    Newcomers,
    PowerAbility,
    PowerProfile,
    ProfileState,
    ProfileUse,
    ShareMethod,
)
from domain.power import Budget, Stale
from domain.power_schedule import Wish
from tests import factories
from tests.factories import NOW

ELEVEN = Wish(LimitUnit.KW, Decimal(11))
BOTH_UNITS = {
    "configurationKey": [
        {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current,Power"},
        {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "3"},
    ]
}


class Bench:
    """A charger of the tests: sweeps run, and its answers are written by hand."""

    def __init__(self, db: Any, is_online: bool = True) -> None:
        self.db, self.now = db, NOW
        self.charger = factories.charger(
            db, connectors=1, ocpp_version="1.6", node="ocpp-1" if is_online else None, epoch=1, connected_at=NOW
        )
        self.charger.connectors[0].max_power_w = 22_000
        db.commit()

    def sweep(self) -> None:
        self.now += timedelta(seconds=1)
        for station_id in power_sharing.stations(self.db):
            power_sharing.share(self.db, station_id, self.now)
        for charger_id in power_delivery.due(self.db, self.now):
            power_delivery.advance(self.db, charger_id, self.now)
        self.db.commit()

    def wish(self, wish: Wish = ELEVEN, version: int = 0) -> None:
        power.set_limit(self.db, self.charger, 1, wish, version=version, by="alice@example.com", now=self.now)
        self.db.commit()

    def waiting(self) -> list[tuple[str, dict[str, Any]]]:
        found = self.db.scalars(select(Command).where(Command.status == CommandStatus.QUEUED).order_by(Command.id))
        return [(each.action, json.loads(each.payload)) for each in found]

    def answer(self, action: str, response: dict[str, Any] | None, status: CommandStatus | None = None) -> None:
        """The oldest waiting CALL of that action was sent and has that answer."""
        found = select(Command).where(Command.status == CommandStatus.QUEUED, Command.action == action)
        command = self.db.scalars(found.order_by(Command.id)).first()
        assert command is not None, f"no {action} waits"
        command.sent_at, command.sent_epoch, command.settled_at = self.now, self.charger.epoch, self.now
        command.response = response
        command.status = status or commands.verdict(action, response or {})
        self.db.commit()

    def introduce(self) -> None:
        self.sweep()
        self.answer("GetConfiguration", BOTH_UNITS)
        self.sweep()

    def allow(self, watts: float) -> None:
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]}
        self.answer("GetCompositeSchedule", {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule})

    @property
    def profile(self) -> PowerProfile:
        self.db.expire_all()
        return self.db.scalars(select(PowerProfile).where(PowerProfile.use == ProfileUse.CONNECTOR)).one()


@pytest.fixture
def bench(db):
    return Bench(db)


def test_the_charger_is_asked_then_told_then_confirms(bench):
    bench.wish()

    bench.sweep()
    asked = bench.waiting()
    bench.answer("GetConfiguration", BOTH_UNITS)
    bench.sweep()
    (action, told), (question, _) = bench.waiting()
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.allow(11_000)
    bench.sweep()

    assert [name for name, _ in asked] == ["GetConfiguration"]
    assert (action, question) == ("SetChargingProfile", "GetCompositeSchedule")
    assert told["connectorId"] == 1
    assert told["csChargingProfiles"]["chargingProfilePurpose"] == "TxDefaultProfile"
    assert told["csChargingProfiles"]["stackLevel"] == 2
    assert told["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 11000}
    ]
    assert bench.profile.state is ProfileState.AGREED
    bench.sweep()
    assert bench.waiting() == []


def test_a_schedule_that_says_less_differs(bench):
    bench.wish()
    bench.introduce()
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.allow(3_700)
    bench.sweep()

    assert bench.profile.state is ProfileState.DIFFERS
    assert "allows only 3.7 kW" in bench.profile.told


def test_a_charger_that_does_not_tell_has_accepted(bench):
    bench.wish()
    bench.introduce()
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.answer("GetCompositeSchedule", {"status": "Rejected"})
    bench.sweep()

    assert bench.profile.state is ProfileState.ACCEPTED


def test_every_way_to_say_it_is_tried_before_it_is_refused(bench):
    bench.wish()
    bench.introduce()
    ways = []
    while bench.waiting():
        profile = bench.waiting()[0][1]["csChargingProfiles"]
        ways.append((profile["chargingSchedule"]["chargingRateUnit"], profile["chargingProfileKind"]))
        bench.answer("SetChargingProfile", {"status": "NotSupported"})
        bench.answer("GetCompositeSchedule", {"status": "Rejected"})
        bench.sweep()

    assert ways == [("W", "Absolute"), ("A", "Absolute"), ("W", "Relative"), ("A", "Relative")]
    assert bench.profile.state is ProfileState.UNSUPPORTED
    assert bench.profile.told == "The charger answered: NotSupported."


def test_a_charger_of_another_version_is_not_told(bench):
    bench.charger.ocpp_version = "2.0.1"
    bench.wish()

    bench.sweep()

    assert bench.waiting() == []
    assert (bench.profile.state, bench.profile.told) == (
        ProfileState.UNSUPPORTED,
        "Limits go to OCPP 1.6, it speaks 2.0.1.",
    )


def test_an_offline_charger_gets_the_latest_wish_when_it_is_back(db):
    bench = Bench(db, is_online=False)
    bench.wish()
    bench.wish(Wish(LimitUnit.KW, Decimal(7)), version=bench.profile.version)
    bench.sweep()
    assert bench.waiting() == []

    bench.charger.node, bench.charger.epoch = "ocpp-1", 2
    db.commit()
    bench.introduce()

    told = [payload for action, payload in bench.waiting() if action == "SetChargingProfile"]
    limits = [each["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] for each in told]
    assert limits == [7000]


def test_a_new_socket_is_told_again(bench):
    bench.wish()
    bench.introduce()
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.allow(11_000)
    bench.sweep()

    bench.charger.epoch = 2
    bench.db.commit()
    bench.sweep()

    assert [action for action, _ in bench.waiting()] == ["SetChargingProfile", "GetCompositeSchedule"]


def test_a_lost_connection_is_no_refusal(bench):
    bench.wish()
    bench.introduce()
    bench.answer("SetChargingProfile", None, CommandStatus.FAILED)
    bench.answer("GetCompositeSchedule", None, CommandStatus.EXPIRED)
    bench.charger.node = None
    bench.db.commit()
    bench.sweep()
    assert bench.profile.state is ProfileState.WAITING

    bench.charger.node, bench.charger.epoch = "ocpp-1", 2
    bench.db.commit()
    bench.sweep()

    assert [action for action, _ in bench.waiting()] == ["SetChargingProfile", "GetCompositeSchedule"]


def test_a_removed_limit_is_cleared_and_its_row_is_gone(bench):
    bench.wish()
    bench.introduce()
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.allow(11_000)
    bench.sweep()

    power.remove_limit(bench.db, bench.charger, 1, version=bench.profile.version, by="alice", now=bench.now)
    bench.db.commit()
    bench.sweep()
    cleared = bench.waiting()
    bench.answer("ClearChargingProfile", {"status": "Unknown"})
    bench.sweep()

    assert cleared == [("ClearChargingProfile", {"id": 7201})]
    assert bench.db.scalars(select(PowerProfile)).all() == []


def test_a_stale_form_changes_nothing(bench):
    bench.wish()

    with pytest.raises(Stale):
        bench.wish(version=0)


def test_a_connector_that_is_not_there_is_unknown(bench):
    with pytest.raises(NotFound):
        power.outlet(bench.charger, 7)


# --- A station's plan -----------------------------------------------------------------------------------------


def shared(bench: Bench, amount: int = 320) -> None:
    budget = Budget(LimitUnit.A, amount, Newcomers.WAIT)
    power.set_station_limit(bench.db, bench.charger.station, budget, version=0, by="alice", now=bench.now)
    bench.db.commit()


def confirm(bench: Bench) -> None:
    """Everything that waits is accepted, and the composite schedule says the same."""
    for action, payload in bench.waiting():
        if action == "SetChargingProfile":
            limit = payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
            bench.answer(action, {"status": "Accepted"})
            schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
            bench.answer("GetCompositeSchedule", {"status": "Accepted", "chargingSchedule": schedule})
    bench.sweep()


def row(bench: Bench, use: ProfileUse) -> PowerProfile:
    bench.db.expire_all()
    return bench.db.scalars(select(PowerProfile).where(PowerProfile.use == use)).one()


def start(bench: Bench) -> Any:
    charging = factories.charging(
        bench.db,
        bench.charger,
        status=SessionStatus.ACTIVE,
        stopped_at=None,
        stop_received_at=None,
        transaction_id="77",
    )
    bench.db.commit()
    return charging


def test_a_session_is_told_its_share_by_its_transaction(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)
    start(bench)

    bench.sweep()

    (_, told), _ = bench.waiting()
    profile = told["csChargingProfiles"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", 77)
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 32}]
    assert row(bench, ProfileUse.START).bound == 0


def test_a_limit_below_a_running_share_is_confirmed_once_the_share_has_followed(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)
    start(bench)
    bench.sweep()
    confirm(bench)
    bench.wish()
    power_delivery.advance(bench.db, bench.charger.id, bench.now)  # before the plan knows of it
    bench.answer("SetChargingProfile", {"status": "Accepted"})
    bench.allow(22_000)
    bench.sweep()
    before = bench.profile.state

    confirm(bench)
    bench.allow(11_000)
    bench.sweep()

    assert before is ProfileState.DIFFERS
    assert bench.profile.state is ProfileState.AGREED
    assert bench.waiting() == []


def test_a_charger_that_refuses_shares_is_told_by_its_connector(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)
    start(bench)
    bench.sweep()
    for _ in range(4):
        bench.answer("SetChargingProfile", {"status": "NotSupported"})
        bench.answer("GetCompositeSchedule", {"status": "Rejected"})
        bench.sweep()
    bench.sweep()

    (_, told), _ = bench.waiting()
    assert told["csChargingProfiles"]["chargingProfilePurpose"] == "TxDefaultProfile"
    assert told["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 32}]
    assert bench.db.scalars(select(PowerAbility)).one().share_method is ShareMethod.TX_DEFAULT


def test_a_charger_that_refuses_everything_has_its_rating_reserved(bench):
    shared(bench)
    bench.introduce()
    for _ in range(4):
        bench.answer("SetChargingProfile", {"status": "NotSupported"})
        bench.answer("GetCompositeSchedule", {"status": "Rejected"})
        bench.sweep()

    (spot,) = power_spots.spots(bench.db, power.station_limit(bench.db, bench.charger.station))
    assert (spot.method, spot.ceiling, spot.is_held) == (ShareMethod.NONE, 320, True)


def test_a_session_that_ends_leaves_its_share_at_once(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)
    charging = start(bench)
    bench.sweep()
    confirm(bench)
    assert row(bench, ProfileUse.SHARE).bound == 320

    charging.status, charging.stopped_at = SessionStatus.COMPLETED, bench.now
    bench.db.commit()
    bench.sweep()

    assert row(bench, ProfileUse.SHARE).bound is None
    assert bench.waiting() == []


def test_a_removed_station_limit_is_cleared(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)

    version = power.station_limit(bench.db, bench.charger.station).version
    power.remove_station_limit(bench.db, bench.charger.station, version=version, by="alice", now=bench.now)
    bench.db.commit()
    bench.sweep()
    bench.answer("ClearChargingProfile", {"status": "Accepted"})
    bench.sweep()
    bench.sweep()

    assert bench.db.scalars(select(PowerProfile)).all() == []
    assert power_sharing.stations(bench.db) == []


def test_nothing_is_written_while_nothing_changes(bench):
    shared(bench)
    bench.introduce()
    confirm(bench)
    bench.sweep()

    power_sharing.share(bench.db, bench.charger.station_id, bench.now + timedelta(seconds=1))

    assert not bench.db.dirty
    assert power_delivery.due(bench.db, bench.now) == []
