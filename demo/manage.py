"""What the demo chargers were asked: configuration read, one change waiting for a reboot, a round, a local list."""

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from demo import cast
from domain import local_lists
from domain.configuration_keys import KNOWN
from domain.models.chargers import Charger
from domain.models.commands import Command, CommandStatus
from domain.models.configuration import ConfigurationReading, ConfigurationValue
from domain.models.jobs import Job, JobStatus
from domain.models.local_lists import LocalListEntry
from domain.models.rounds import Round, RoundItem

BY = "technician@harbour.example"
FEATURES = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
SAID = {
    "AuthorizeRemoteTxRequests": "false",
    "ClockAlignedDataInterval": "0",
    "ConnectionTimeOut": "120",
    "GetConfigurationMaxKeys": "60",
    "HeartbeatInterval": "300",
    "LocalAuthListEnabled": "true",
    "LocalAuthListMaxLength": "1000",
    "LocalAuthorizeOffline": "true",
    "LocalPreAuthorize": "false",
    "MeterValueSampleInterval": "10",
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC",
    "NumberOfConnectors": "2",
    "SendLocalListMaxLength": "250",
    "StopTransactionOnEVSideDisconnect": "true",
    "SupportedFeatureProfiles": FEATURES,
    "WebSocketPingInterval": "0",
}


def write(db: Session, now: datetime) -> None:
    """Every charger was read this morning, and yesterday all were told to clear their caches."""
    known = list(db.scalars(select(Charger).order_by(Charger.id)))
    for charger in known:
        _read(db, charger, now - timedelta(hours=3))
    first = known[0]
    _wish(db, first, "WebSocketPingInterval", "54", now - timedelta(hours=2))
    _list(db, first, now - timedelta(days=2))
    _round(db, known, now - timedelta(days=1))
    db.flush()


def _read(db: Session, charger: Charger, at: datetime) -> None:
    reading = ConfigurationReading(
        charger_id=charger.id, operator_id=charger.operator_id, left=[], asked_at=at, read_at=at
    )
    db.add(reading)
    for name, value in SAID.items():
        db.add(
            ConfigurationValue(
                operator_id=charger.operator_id,
                charger_id=charger.id,
                name=name,
                value=value,
                is_readonly=KNOWN[name].is_readonly,
                is_unknown=False,
                read_at=at,
            )
        )
    db.flush()


def _wish(db: Session, charger: Charger, name: str, value: str, at: datetime) -> None:
    found = db.scalars(
        select(ConfigurationValue).where(ConfigurationValue.charger_id == charger.id, ConfigurationValue.name == name)
    ).one()
    found.wished, found.wished_at, found.wished_by = value, at, BY
    found.outcome, found.reboot_wanted_at = "RebootRequired", at


def _list(db: Session, charger: Charger, at: datetime) -> None:
    found = local_lists.of_charger(db, charger)
    found.version_here = found.version_there = 3
    found.synced_at = at
    for uid, _, status in cast.TOKENS[:-2]:  # two cards came later
        db.add(
            LocalListEntry(operator_id=charger.operator_id, charger_id=charger.id, id_tag=uid, info={"status": status})
        )


def _round(db: Session, chargers: list[Charger], at: datetime) -> None:
    operator_id = chargers[0].operator_id
    job = Job(
        operator_id=operator_id,
        kind="command_round",
        title=f"Clear cache: {len(chargers)} chargers",
        status=JobStatus.DONE,
        detail={},
        done=len(chargers),
        failed=1,
        total=len(chargers),
        asked_by=BY,
        queued_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=32),
    )
    db.add(job)
    db.flush()
    made = Round(
        operator_id=operator_id,
        job_id=job.id,
        title="Clear cache",
        calls=[{"action": "ClearCache", "payload": {}}],
        asked_by=BY,
        created_at=at,
    )
    db.add(made)
    db.flush()
    job.detail = {"round": made.id}
    for charger in chargers:
        is_silent = charger is chargers[-1]
        command = Command(
            charger_id=charger.id,
            action="ClearCache",
            payload=json.dumps({}),
            status=CommandStatus.TIMEOUT if is_silent else CommandStatus.ACCEPTED,
            response=None if is_silent else {"status": "Accepted"},
            error="The charger did not answer within 30 s." if is_silent else None,
            timeout_s=30,
            queued_at=at,
            expires_at=at + timedelta(seconds=30),
            sent_at=at,
            settled_at=at + timedelta(seconds=30 if is_silent else 1),
            asked_by=BY,
        )
        db.add(command)
        db.flush()
        db.add(
            RoundItem(operator_id=operator_id, round_id=made.id, charger_id=charger.id, number=0, command_id=command.id)
        )
