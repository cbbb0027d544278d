"""The answers to the central system's CALLs: one function an action, by the action's name."""

from typing import TYPE_CHECKING

from simulator.commands import core, local_list, maintenance, reservation, security, smart_charging, trigger
from simulator.wire import CallRefused, Payload, Reply

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

HANDLERS = {
    "CancelReservation": reservation.cancel_reservation,
    "CertificateSigned": security.certificate_signed,
    "ChangeAvailability": core.change_availability,
    "ChangeConfiguration": core.change_configuration,
    "ClearCache": core.clear_cache,
    "ClearChargingProfile": smart_charging.clear_charging_profile,
    "DataTransfer": core.data_transfer,
    "DeleteCertificate": security.delete_certificate,
    "ExtendedTriggerMessage": trigger.extended_trigger_message,
    "GetCompositeSchedule": smart_charging.get_composite_schedule,
    "GetConfiguration": core.get_configuration,
    "GetDiagnostics": maintenance.get_diagnostics,
    "GetInstalledCertificateIds": security.get_installed_certificate_ids,
    "GetLocalListVersion": local_list.get_local_list_version,
    "GetLog": security.get_log,
    "InstallCertificate": security.install_certificate,
    "RemoteStartTransaction": core.remote_start_transaction,
    "RemoteStopTransaction": core.remote_stop_transaction,
    "ReserveNow": reservation.reserve_now,
    "Reset": core.reset,
    "SendLocalList": local_list.send_local_list,
    "SetChargingProfile": smart_charging.set_charging_profile,
    "SignedUpdateFirmware": security.signed_update_firmware,
    "TriggerMessage": trigger.trigger_message,
    "UnlockConnector": core.unlock_connector,
    "UpdateFirmware": maintenance.update_firmware,
}


async def answer(charger: "SimulatedCharger", action: str, payload: Payload) -> Reply | None:
    """None: the charger stays silent. Raises: CallRefused, which becomes the CALLERROR."""
    if charger.defects.is_silent:
        return None
    if charger.defects.answer_after_s:
        await charger.clock.sleep(charger.defects.answer_after_s)
    instead = charger.defects.answer(action)
    return Reply(instead) if instead else _true_answer(charger, action, payload)


def _true_answer(charger: "SimulatedCharger", action: str, payload: Payload) -> Reply:
    handler = HANDLERS.get(action)
    if handler is None:
        raise CallRefused("NotImplemented", f"{action} is not known here")
    try:
        reply = handler(charger, payload)
    except KeyError as missing:
        raise CallRefused("OccurenceConstraintViolation", f"{action} lacks {missing}") from None
    except (TypeError, ValueError, AttributeError) as wrong:
        raise CallRefused("TypeConstraintViolation", f"{action}: {wrong}") from None
    charger.changed()
    return reply if isinstance(reply, Reply) else Reply(reply)
