"""What each CALL to a charger is for, in plain words, and the feature profile that it belongs to.

Source: OCPP 1.6, edition 2, section 5; OCA white paper "Improved security for OCPP 1.6-J", edition 3.
"""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """The words of SupportedFeatureProfiles."""

    CORE = "Core"
    FIRMWARE = "FirmwareManagement"
    LOCAL_LIST = "LocalAuthListManagement"
    RESERVATION = "Reservation"
    SMART_CHARGING = "SmartCharging"
    TRIGGER = "RemoteTrigger"
    SECURITY = "Security"  # the extension has no word of its own there


@dataclass(frozen=True)
class CallWords:
    """A CALL in words. `group` is its heading in the list of all commands."""

    title: str
    lead: str
    profile: Profile


_P = Profile
CALLS: dict[str, CallWords] = {
    "Reset": CallWords("Reboot", "The charger restarts: softly after its sessions, or at once.", _P.CORE),
    "UnlockConnector": CallWords("Unlock connector", "Releases a plug that is stuck.", _P.CORE),
    "RemoteStartTransaction": CallWords(
        "Start charging", "Charging starts as if this card had been held to the charger.", _P.CORE
    ),
    "RemoteStopTransaction": CallWords("Stop charging", "The session with this transaction id ends.", _P.CORE),
    "ChangeAvailability": CallWords(
        "Availability", "A plug, or with connector 0 the whole charger, goes into service or out of it.", _P.CORE
    ),
    "ChangeConfiguration": CallWords("Change configuration", "One key of the charger gets another value.", _P.CORE),
    "GetConfiguration": CallWords("Read configuration", "The charger tells its settings.", _P.CORE),
    "ClearCache": CallWords("Clear cache", "The charger forgets which cards it has seen accepted.", _P.CORE),
    "DataTransfer": CallWords("Data transfer", "A message that only this vendor's chargers understand.", _P.CORE),
    "TriggerMessage": CallWords("Trigger message", "The charger sends this message again now.", _P.TRIGGER),
    "ExtendedTriggerMessage": CallWords(
        "Trigger message, extended", "As Trigger message, with those of the security extension.", _P.SECURITY
    ),
    "GetDiagnostics": CallWords("Upload diagnostics", "The charger uploads its diagnostics.", _P.FIRMWARE),
    "UpdateFirmware": CallWords("Update firmware", "The charger fetches and installs a file.", _P.FIRMWARE),
    "SignedUpdateFirmware": CallWords(
        "Update firmware, signed", "As Update firmware; the charger checks the signature first.", _P.SECURITY
    ),
    "GetLog": CallWords("Upload log", "The charger uploads its diagnostics log or its security log.", _P.SECURITY),
    "GetLocalListVersion": CallWords(
        "Version of the local list", "Which list of cards the charger holds.", _P.LOCAL_LIST
    ),
    "SendLocalList": CallWords("Send local list", "Cards that the charger lets charge by itself.", _P.LOCAL_LIST),
    "ReserveNow": CallWords("Reserve", "A plug is kept free for one card until a moment.", _P.RESERVATION),
    "CancelReservation": CallWords("Cancel reservation", "The plug is free for everybody again.", _P.RESERVATION),
    "SetChargingProfile": CallWords(
        "Set charging profile", "Limits power or current, now or by a schedule.", _P.SMART_CHARGING
    ),
    "ClearChargingProfile": CallWords(
        "Clear charging profile", "Limits that fit are removed; without any field all of them.", _P.SMART_CHARGING
    ),
    "GetCompositeSchedule": CallWords(
        "Composite schedule", "The limits that the charger will follow, all profiles together.", _P.SMART_CHARGING
    ),
    "InstallCertificate": CallWords("Install certificate", "The charger trusts this root certificate.", _P.SECURITY),
    "DeleteCertificate": CallWords("Delete certificate", "The charger trusts it no longer.", _P.SECURITY),
    "GetInstalledCertificateIds": CallWords(
        "Installed certificates", "Which root certificates the charger trusts.", _P.SECURITY
    ),
    "CertificateSigned": CallWords(
        "Certificate signed", "The answer to the charger's SignCertificate: its new certificate.", _P.SECURITY
    ),
}

# What stands beside a field where its name alone does not say enough.
HINTS: dict[str, str] = {
    "connectorId": "0 is the whole charger.",
    "transactionId": "The number on the session's page.",
    "duration": "In seconds.",
    "retryInterval": "In seconds.",
    "retries": "How often it tries again.",
    "location": "An address that the charger can reach.",
    "remoteLocation": "An address that the charger can reach.",
    "stackLevel": "The highest level wins.",
    "startPeriod": "In seconds from the start of the schedule; the first is 0.",
    "limit": "In the unit of the schedule.",
    "minChargingRate": "In the unit of the schedule.",
    "numberPhases": "3 unless said.",
    "requestId": "Comes back with the progress.",
    "reservationId": "A number that is not in use.",
    "chargingProfileId": "The same number again replaces it.",
    "certificate": "PEM, with its first and last line.",
    "certificateChain": "PEM, the charger's own certificate first.",
    "signingCertificate": "PEM.",
    "listVersion": "Higher than the present one.",
}

NAME_OF_PROFILE = {
    Profile.CORE: "Core",
    Profile.TRIGGER: "Remote trigger",
    Profile.FIRMWARE: "Firmware and diagnostics",
    Profile.LOCAL_LIST: "Local list",
    Profile.RESERVATION: "Reservation",
    Profile.SMART_CHARGING: "Smart charging",
    Profile.SECURITY: "Security extension",
}


def missing(action: str, features: frozenset[str] | None) -> str | None:
    """Why the charger will hardly know that CALL, by the profiles that it reported; None if nothing speaks against it.

    Args:
        features: of SupportedFeatureProfiles, lower case; None while that was never read.
    """
    words = CALLS.get(action)
    if words is None or features is None or words.profile in (Profile.CORE, Profile.SECURITY):
        return None
    if words.profile.value.lower() in features:
        return None
    return f"The charger does not report the profile {words.profile} (SupportedFeatureProfiles)."
