"""Rows with believable defaults. Each factory flushes; the test commits."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import firmware_releases, firmware_versions, payment_accounts, sealing, secret_links
from domain.clock import utcnow
from domain.models.applications import ApplicationDevice, StationApplication
from domain.models.batches import Batch, BatchKind, BatchRow, Verdict
from domain.models.chargers import Charger, ChargerEvent, Connector, Handshake, HandshakeOutcome, QrCode
from domain.models.charging import ChargingSession, SessionStatus
from domain.models.commands import Command, CommandStatus
from domain.models.configuration import ConfigurationValue
from domain.models.diagnostics import DiagnosticsUpload
from domain.models.files import FileKind, StoredFile
from domain.models.firmware import CampaignStatus, FirmwareCampaign, FirmwareModel, FirmwareRelease
from domain.models.jobs import Job, JobStatus
from domain.models.manual_refunds import ManualRefund
from domain.models.money_items import MoneyItem, MoneyItemKind
from domain.models.operators import Operator, Role, UserAccount
from domain.models.orders import Order, OrderStatus
from domain.models.payments import CollectionMode, Payment, PaymentAccount, PaymentStatus, SandboxObject
from domain.models.price_drafts import Rehearsal, TariffDraft
from domain.models.reservations import Reservation, ReservationStatus
from domain.models.rounds import Round, RoundItem
from domain.models.second_factors import SecondFactor
from domain.models.secret_links import Purpose
from domain.models.settlements import LineKind, Settlement, SettlementLine, SettlementStatus
from domain.models.sign_ups import SignUp
from domain.models.stations import Station, StationPhoto, StationTariff
from domain.models.tariffs import Tariff
from domain.models.tokens import Sighting, Token, TokenStatus
from tests.fakes import stripe as fake_stripe

NOW = datetime(2026, 11, 20, 11, 4, tzinfo=UTC)

FLAT_PRICE: dict[str, Any] = {
    "elements": [{"price_components": [{"type": "ENERGY", "price": "0.40", "vat": "25.5", "step_size": 1}]}]
}


def _add(db: Session, row: Any) -> Any:
    db.add(row)
    db.flush()
    return row


def _number(db: Session, model: Any) -> int:
    # Of this database, so that no test's figures depend on what ran before it.
    return (db.scalar(select(func.max(model.id))) or 0) + 1


def operator(db: Session, **values: Any) -> Operator:
    return _add(
        db, Operator(**{"name": "Harbour Energy", "currency": "EUR", "country": "FI", "created_at": NOW} | values)
    )


def user(db: Session, operator: Operator | None = None, role: Role = Role.OWNER, **values: Any) -> UserAccount:
    number = _number(db, UserAccount)
    defaults = {"email": f"user{number}@example.com", "name": f"User {number}", "password_hash": "!", "created_at": NOW}
    made = _add(
        db, UserAccount(**({"operator_id": operator.id if operator else None, "role": role} | defaults | values))
    )
    if Role(role).is_platform:  # they must have one, or see no page but its own
        second_factor(db, made)
    return made


def second_factor(db: Session, user: UserAccount, **values: Any) -> SecondFactor:
    defaults = {"sealed_secret": "!", "created_at": NOW, "confirmed_at": NOW, "last_step": 0}
    return _add(db, SecondFactor(**({"user_id": user.id} | defaults | values)))


def payment_account(db: Session, operator: Operator, **values: Any) -> PaymentAccount:
    defaults = {
        "provider": "sandbox",
        "name": "Test money",
        "collection_mode": CollectionMode.PLATFORM,
        "is_test": True,
        "created_at": NOW,
    }
    return _add(db, PaymentAccount(**({"operator_id": operator.id} | defaults | values)))


def stripe_account(db: Session, operator: Operator | None, **values: Any) -> PaymentAccount:
    """An account at the imitation of Stripe, of the platform without an operator. SECRET_KEY is "test"."""
    credentials = {"secret_key": fake_stripe.KEY, "webhook_secret": fake_stripe.SECRET}
    defaults = {
        "provider": "stripe",
        "name": "Stripe",
        "collection_mode": CollectionMode.OPERATOR if operator else CollectionMode.PLATFORM,
        "is_test": True,
        "provider_account": "acct_1HarbourFake",
        "sealed_credentials": sealing.seal("test", payment_accounts.PURPOSE, json.dumps(credentials)),
        "credential_endings": {name: text[-4:] for name, text in credentials.items()},
        "checked_at": NOW,
        "created_at": NOW,
    }
    return _add(db, PaymentAccount(**({"operator_id": operator.id if operator else None} | defaults | values)))


def payment(db: Session, charger: Charger, account: PaymentAccount, **values: Any) -> Payment:
    number = _number(db, Payment)
    defaults = {
        "operator_id": charger.operator_id,
        "payment_account_id": account.id,
        "charger_id": charger.id,
        "connector_number": 1,
        "token": f"{number:040d}",
        "id_tag": f"VD{number:016d}",
        "provider": account.provider,
        "collection_mode": account.collection_mode,
        "is_test": account.is_test,
        "status": PaymentStatus.AUTHORISED,
        "status_at": NOW,
        "currency": "EUR",
        "hold_minor": 4500,
        "created_at": NOW,
        "authorised_at": NOW,
    }
    return _add(db, Payment(**(defaults | values)))


def sandbox_payment(db: Session, **values: Any) -> SandboxObject:
    """A checkout in the books of the sandbox provider."""
    number = _number(db, SandboxObject)
    asked = {"amount": 4500, "currency": "EUR", "description": "EV charging", "back_to": "/s/nowhere"}
    state = {"asked": asked, "status": "action_required", "captured": 0, "calls": {}}
    defaults = {"ref": f"sbx_pay_{number}", "idempotency_key": f"vd:test:open:{number}:1", "kind": "payment"}
    return _add(db, SandboxObject(**(defaults | {"state": state, "created_at": NOW} | values)))


def station(db: Session, operator: Operator | None = None, **values: Any) -> Station:
    owner = operator or globals()["operator"](db)
    defaults = {
        "name": "Harbour Garage",
        "address": "Satamakatu 4",
        "city": "Helsinki",
        "country": "FI",
        "time_zone": "Europe/Helsinki",
        "currency": "EUR",
        "hold_minor": 4500,
        "created_at": NOW,
    }
    return _add(db, Station(**({"operator_id": owner.id} | defaults | values)))


def charger(db: Session, station: Station | None = None, connectors: int = 0, **values: Any) -> Charger:
    site = station or globals()["station"](db)
    number = _number(db, Charger)
    defaults = {"device_id": f"HE60D{number:07d}", "label": f"HG-{number:02d}", "created_at": NOW}
    made = _add(db, Charger(**({"operator_id": site.operator_id, "station_id": site.id} | defaults | values)))
    for connector_number in range(1, connectors + 1):
        _add(db, Connector(charger_id=made.id, number=connector_number, status="Available", status_at=NOW))
    return made


def handshake(db: Session, device_id: str | None, **values: Any) -> Handshake:
    defaults = {
        "at": NOW,
        "path": f"/ocpp/{device_id or ''}",
        "remote_address": "192.0.2.7",
        "subprotocols": ["ocpp1.6"],
        "outcome": HandshakeOutcome.WRONG_PASSWORD,
    }
    return _add(db, Handshake(**({"device_id": device_id} | defaults | values)))


def qr_code(db: Session, charger: Charger, **values: Any) -> QrCode:
    defaults = {"code": f"QR{_number(db, QrCode):04d}", "created_at": NOW, "bound_at": NOW}
    return _add(db, QrCode(**({"operator_id": charger.operator_id, "charger_id": charger.id} | defaults | values)))


def tariff(db: Session, operator: Operator, **values: Any) -> Tariff:
    defaults = {
        "name": "Day and night",
        "currency": "EUR",
        "terms": FLAT_PRICE,
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "created_at": NOW,
        "created_by": "alice@example.com",
    }
    return _add(db, Tariff(**({"operator_id": operator.id} | defaults | values)))


def assign_tariff(db: Session, station: Station, tariff: Tariff, **values: Any) -> StationTariff:
    defaults = {"from_at": tariff.valid_from, "created_at": NOW, "created_by": "alice@example.com"}
    row = StationTariff(
        operator_id=station.operator_id, station_id=station.id, tariff_id=tariff.id, **(defaults | values)
    )
    return _add(db, row)


def token(db: Session, operator: Operator, uid: str = "04A1B2C3", **values: Any) -> Token:
    defaults = {"uid_key": uid.upper(), "status": TokenStatus.ACCEPTED, "created_at": NOW}
    return _add(db, Token(**({"operator_id": operator.id, "uid": uid} | defaults | values)))


def sighting(db: Session, charger: Charger, uid: str = "04FEED0001", **values: Any) -> Sighting:
    defaults = {"uid_key": uid.upper(), "noted_at": NOW, "seen_at": NOW}
    return _add(
        db,
        Sighting(**({"operator_id": charger.operator_id, "charger_id": charger.id, "uid": uid} | defaults | values)),
    )


def charging(db: Session, charger: Charger | None = None, **values: Any) -> ChargingSession:
    device = charger or globals()["charger"](db)
    number = _number(db, ChargingSession)
    defaults = {
        "operator_id": device.operator_id,
        "station_id": device.station_id,
        "charger_id": device.id,
        "connector_number": 1,
        "transaction_id": str(100_000 + number),
        "start_key": f"start {number}",
        "status": SessionStatus.COMPLETED,
        "id_tag": "04A1B2C3",
        "started_at": NOW - timedelta(hours=2),
        "stopped_at": NOW - timedelta(hours=1),
        "start_received_at": NOW - timedelta(hours=2),
        "stop_received_at": NOW - timedelta(hours=1),
        "meter_start_wh": 1000,
        "meter_stop_wh": 11_000,
        "energy_wh": 10_000,
    }
    return _add(db, ChargingSession(**(defaults | values)))


def order(db: Session, charging: ChargingSession | None = None, **values: Any) -> Order:
    billed = charging or globals()["charging"](db)
    number = _number(db, Order)
    defaults = {
        "operator_id": billed.operator_id,
        "station_id": billed.station_id,
        "charging_session_id": billed.id,
        "number": f"VD-2026-{number:06d}",
        "token": f"receipt-{number}",
        "status": OrderStatus.UNPAID,
        "currency": "EUR",
        "net_minor": 400,
        "vat_minor": 102,
        "gross_minor": 502,
        "created_at": NOW,
    }
    return _add(db, Order(**(defaults | values)))


def manual_refund(db: Session, order: Order, **values: Any) -> ManualRefund:
    defaults = {
        "nonce": f"nonce-{_number(db, ManualRefund)}",
        "amount_minor": 100,
        "currency": order.currency,
        "bank_reference": "RF18 5390 0754 7034",
        "reason": "Stopped early",
        "asked_by": "somebody@example.com",
        "asked_at": NOW,
    }
    return _add(db, ManualRefund(**({"order_id": order.id} | defaults | values)))


def money_item(db: Session, operator: Operator | None, **values: Any) -> MoneyItem:
    defaults = {
        "key": f"capture_failed:{_number(db, MoneyItem)}",
        "kind": MoneyItemKind.CAPTURE_FAILED,
        "text": "The provider refused to take the money: Card blocked",
        "amount_minor": 502,
        "currency": "EUR",
        "detail": {},
        "opened_at": NOW,
    }
    return _add(db, MoneyItem(**({"operator_id": operator.id if operator else None} | defaults | values)))


def settlement(db: Session, operator: Operator, **values: Any) -> Settlement:
    number = _number(db, Settlement)
    figures = {"gross_minor": 502, "captured_minor": 502, "fee_minor": 35, "tax_minor": 0, "carried_minor": 0}
    defaults = {
        "operator_id": operator.id,
        "number": f"S-2026-{number:04d}",
        "nonce": f"nonce-{number}",
        "status": SettlementStatus.APPLIED,
        "currency": "EUR",
        "is_test": True,
        "orders": 1,
        "payable_minor": 467,
        "first_at": NOW - timedelta(hours=2),
        "last_at": NOW - timedelta(hours=1),
        "applied_by": "owner@example.com",
        "applied_at": NOW,
    }
    return _add(db, Settlement(**(defaults | figures | values)))


def settlement_line(db: Session, settlement: Settlement, order: Order, **values: Any) -> SettlementLine:
    defaults = {
        "settlement_id": settlement.id,
        "position": 1,
        "kind": LineKind.ORDER,
        "is_live": True,
        "order_id": order.id,
        "order_number": order.number,
        "station": "Harbour Garage",
        "charger": "HG-01",
        "time_zone": "Europe/Helsinki",
        "started_at": NOW - timedelta(hours=2),
        "stopped_at": NOW - timedelta(hours=1),
        "energy_wh": 10_000,
        "net_minor": 400,
        "vat_rates": "25.5",
        "vat_minor": 102,
        "gross_minor": 502,
        "captured_minor": 502,
        "fee_minor": 35,
        "tax_minor": 0,
        "carried_minor": 0,
        "payable_minor": 467,
        "paid_with": "Visa 4242",
    }
    return _add(db, SettlementLine(**(defaults | values)))


def charger_status(db: Session, charger: Charger, status: str, at: datetime, **values: Any) -> ChargerEvent:
    defaults = {"connector_number": 1, "kind": "status", "summary": status, "detail": {"status": status}}
    return _add(db, ChargerEvent(**({"charger_id": charger.id, "at": at, "received_at": at} | defaults | values)))


def command(db: Session, charger: Charger, **values: Any) -> Command:
    defaults = {
        "action": "Reset",
        "payload": '{"type":"Soft"}',
        "status": CommandStatus.ACCEPTED,
        "queued_at": NOW,
        "expires_at": NOW + timedelta(seconds=30),
        "sent_at": NOW,
        "settled_at": NOW,
        "asked_by": "alice@example.com",
    }
    return _add(db, Command(**({"charger_id": charger.id} | defaults | values)))


def round_(db: Session, *chargers: Charger, **values: Any) -> Round:
    """A round for those chargers; nobody has been asked yet."""
    defaults = {
        "operator_id": chargers[0].operator_id,
        "title": "Reboot",
        "calls": [{"action": "Reset", "payload": {"type": "Soft"}}],
        "asked_by": "alice@example.com",
        "created_at": NOW,
    }
    made = _add(db, Round(**(defaults | values)))
    for charger in chargers:
        _add(db, RoundItem(operator_id=charger.operator_id, round_id=made.id, charger_id=charger.id, number=0))
    return made


def diagnostics_upload(db: Session, charger: Charger, **values: Any) -> DiagnosticsUpload:
    defaults = {"kind": "Diagnostics", "is_ours": True, "asked_at": NOW, "asked_by": "alice@example.com"}
    return _add(
        db, DiagnosticsUpload(**({"operator_id": charger.operator_id, "charger_id": charger.id} | defaults | values))
    )


def reservation(db: Session, charger: Charger, **values: Any) -> Reservation:
    defaults = {
        "connector_number": 1,
        "id_tag": "04A1B2C3",
        "status": ReservationStatus.ACTIVE,
        "expires_at": NOW + timedelta(minutes=30),
        "made_at": NOW,
        "made_by": "alice@example.com",
    }
    return _add(db, Reservation(**({"operator_id": charger.operator_id, "charger_id": charger.id} | defaults | values)))


def configuration_value(db: Session, charger: Charger, name: str, value: str | None, **values: Any) -> Any:
    defaults = {"name": name, "value": value, "is_readonly": False, "is_unknown": False, "read_at": NOW}
    return _add(
        db, ConfigurationValue(**({"operator_id": charger.operator_id, "charger_id": charger.id} | defaults | values))
    )


def application(db: Session, *device_ids: str, **values: Any) -> StationApplication:
    """A station application with these chargers; with one of a new device id if none is named."""
    number = _number(db, StationApplication)
    defaults = {
        "order_number": f"SO-{number:05d}",
        "company": "Quay Charging Oy",
        "email": f"quay{number}@example.com",
        "station_name": "Quay 7",
        "country": "FI",
        "region": "Uusimaa",
        "address": "Laituri 7, 00160 Helsinki",
        "created_at": NOW,
        "status_at": NOW,
    }
    made = StationApplication(**(defaults | values))
    made.devices = [
        ApplicationDevice(position=position, device_id=device_id, device_account=f"ACC-{position}")
        for position, device_id in enumerate(device_ids or (f"QC60D{number:07d}",), start=1)
    ]
    return _add(db, made)


def sign_up(db: Session, **values: Any) -> SignUp:
    defaults = {"company": "Quay Charging Oy", "email": "quay@example.com", "password_hash": "!", "created_at": NOW}
    return _add(db, SignUp(**(defaults | values)))


def secret(db: Session, purpose: Purpose, subject_id: int) -> str:
    """The secret of a link that works for a day from now."""
    return secret_links.make(db, purpose, subject_id, lasts=timedelta(days=1), now=utcnow())


def job(db: Session, operator: Operator | None = None, **values: Any) -> Job:
    defaults = {
        "operator_id": operator.id if operator else None,
        "kind": "count",
        "title": "Import of 3 devices",
        "status": JobStatus.QUEUED,
        "detail": {},
        "asked_by": "alice@example.com",
        "queued_at": NOW,
    }
    return _add(db, Job(**(defaults | values)))


def batch(db: Session, operator: Operator, *rows: dict[str, Any], **values: Any) -> Batch:
    """A file that was handed in, with those rows; three devices if none are given."""
    site = values.pop("station", None)
    defaults = {
        "operator_id": operator.id,
        "kind": BatchKind.DEVICES,
        "station_id": site.id if site else None,
        "file_id": stored_file(db, operator, kind=FileKind.IMPORT).id,
        "name": "chargers.xlsx",
        "created_at": NOW,
        "created_by": "alice@example.com",
    }
    made = _add(db, Batch(**(defaults | values)))
    for number, row in enumerate(rows or ({"key": "D1"}, {"key": "D2"}, {"key": "D3"}), start=2):
        said = {"operator_id": operator.id, "batch_id": made.id, "number": number, "verdict": Verdict.OK}
        _add(db, BatchRow(**({"cells": [row["key"], ""]} | said | row)))
    return made


def tariff_draft(db: Session, station: Station, base: Tariff | None = None, **values: Any) -> TariffDraft:
    defaults = {
        "base_tariff_id": base.id if base else None,
        "name": "Day and night",
        "currency": "EUR",
        "terms": base.terms if base else FLAT_PRICE,
        "revision": 1,
        "created_at": NOW,
        "created_by": "alice@example.com",
        "changed_at": NOW,
        "changed_by": "alice@example.com",
    }
    return _add(db, TariffDraft(**({"operator_id": station.operator_id, "station_id": station.id} | defaults | values)))


def rehearsal(db: Session, station: Station, **values: Any) -> Rehearsal:
    defaults = {
        "job_id": job(db, station.operator, kind="rehearsal", status=JobStatus.DONE, finished_at=NOW).id,
        "name": "Day and night",
        "currency": "EUR",
        "terms": FLAT_PRICE,
        "since": NOW - timedelta(days=30),
        "until": NOW,
        "created_at": NOW,
        "created_by": "alice@example.com",
    }
    return _add(db, Rehearsal(**({"operator_id": station.operator_id, "station_id": station.id} | defaults | values)))


def stored_file(db: Session, operator: Operator | None = None, **values: Any) -> StoredFile:
    """The row only; `FileStore.keep` writes bytes too."""
    defaults = {
        "operator_id": operator.id if operator else None,
        "kind": FileKind.RESULT,
        "name": "result.txt",
        "content_type": "text/plain",
        "size_bytes": 5,
        "sha256": "0" * 64,
        "place": f"{_number(db, StoredFile):032x}",
        "created_at": NOW,
        "created_by": "alice@example.com",
    }
    return _add(db, StoredFile(**(defaults | values)))


def station_photo(db: Session, station: Station, **values: Any) -> StationPhoto:
    owner = db.get_one(Operator, station.operator_id)
    defaults = {"file_id": stored_file(db, owner, kind=FileKind.PHOTO).id, "caption": "The entrance", "created_at": NOW}
    return _add(
        db, StationPhoto(**({"operator_id": station.operator_id, "station_id": station.id} | defaults | values))
    )


def release(
    db: Session, version: str = "2.9.0", models: tuple[str, ...] = ("Duo 60",), **values: Any
) -> FirmwareRelease:
    """A published release; its file's row only."""
    number = _number(db, FirmwareRelease)
    vendor, sha256 = values.pop("vendor", "Nordvolt"), values.pop("sha256", f"{number:064x}")
    file = values.pop("file", None) or stored_file(
        db,
        kind=FileKind.FIRMWARE,
        name=f"{models[0]}-{version}.bin",
        sha256=sha256,
        content_type="application/octet-stream",
    )
    defaults = {
        "notes": "",
        "comes_after": [],
        "published_at": NOW,
        "published_by": "ines@example.com",
        "is_published": True,
    }
    made = FirmwareRelease(
        **({"vendor": vendor, "version": version, "file_id": file.id, "sha256": sha256} | defaults | values)
    )
    made.models = [
        FirmwareModel(
            model=model,
            vendor_key=firmware_releases.name_key(vendor),
            model_key=firmware_releases.name_key(model),
            version_key=firmware_versions.key(version),
            is_published=made.is_published,
        )
        for model in models
    ]
    return _add(db, made)


def duo(db: Session, station: Station | None = None, version: str | None = "2.8.1", **values: Any) -> Charger:
    """A charger of the model that releases are for, online."""
    told = {"vendor": "Nordvolt", "model": "Duo 60", "firmware_version": version, "ocpp_version": "1.6"}
    online = {"node": "ocpp-1", "epoch": 1, "connected_at": NOW, "last_seen_at": NOW}
    return charger(db, station, **(told | online | values))


def campaign(db: Session, operator: Operator, **values: Any) -> FirmwareCampaign:
    """Its row only."""
    defaults = {
        "name": "Autumn",
        "status": CampaignStatus.RUNNING,
        "canaries": 1,
        "wave": 0,
        "stop_after": 1,
        "during_sessions": False,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(days=7),
        "created_at": NOW,
        "created_by": "alice@example.com",
    }
    return _add(db, FirmwareCampaign(**({"operator_id": operator.id} | defaults | values)))
