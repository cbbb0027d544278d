"""OCPP 1.6: what each message of a charger means, one small module per message or block.

A handler unpacks, calls the domain and packs: `handle(db, context, payload) -> answer`. Payloads have been through
`normalise` and the accepted schema.
"""

from ocpp_server.context import Handler
from ocpp_server.v16 import (
    authorize,
    boot,
    data_transfer,
    firmware,
    heartbeat,
    meter_values,
    security,
    start_transaction,
    status_notification,
    stop_transaction,
)

HANDLERS: dict[str, Handler] = {
    "Authorize": authorize.handle,
    "BootNotification": boot.handle,
    "DataTransfer": data_transfer.handle,
    "DiagnosticsStatusNotification": firmware.handle_diagnostics,
    "FirmwareStatusNotification": firmware.handle_firmware,
    "Heartbeat": heartbeat.handle,
    "LogStatusNotification": firmware.handle_log,
    "MeterValues": meter_values.handle,
    "SecurityEventNotification": security.handle_event,
    "SignCertificate": security.handle_sign_certificate,
    "SignedFirmwareStatusNotification": firmware.handle_signed_firmware,
    "StartTransaction": start_transaction.handle,
    "StatusNotification": status_notification.handle,
    "StopTransaction": stop_transaction.handle,
}

__all__ = ["HANDLERS"]
