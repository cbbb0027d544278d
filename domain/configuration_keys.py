"""The configuration keys of OCPP 1.6 in plain words.

Source: OCPP 1.6, edition 2, section 9; OCA white paper "Improved security for OCPP 1.6-J", edition 3, section 7.
"""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_VALUE = 500  # quirk H7


class Shape(StrEnum):
    """What a value looks like."""

    WHOLE = "whole number"
    FLAG = "yes or no"
    WORDS = "words, separated by commas"
    TEXT = "text"


@dataclass(frozen=True)
class KnownKey:
    """One standard key."""

    group: str
    words: str
    shape: Shape
    unit: str = ""
    is_readonly: bool = False
    is_required: bool = False  # every charger with this profile has it


_W, _F, _L, _T = Shape.WHOLE, Shape.FLAG, Shape.WORDS, Shape.TEXT
CORE, LIST, SMART, RESERVE, SECURITY, FIRMWARE = (
    "Core", "Local list", "Smart charging", "Reservation", "Security", "Firmware and diagnostics",
)  # fmt: skip
_RO, _MUST = True, True

KNOWN: dict[str, KnownKey] = {
    "AllowOfflineTxForUnknownId": KnownKey(CORE, "Unknown cards may charge while the charger is offline.", _F),
    "AuthorizationCacheEnabled": KnownKey(CORE, "The charger remembers cards that were accepted before.", _F),
    "AuthorizeRemoteTxRequests": KnownKey(
        CORE, "A start from here is checked like a card before it is obeyed.", _F, "", False, _MUST
    ),
    "BlinkRepeat": KnownKey(CORE, "How often the light blinks as a signal.", _W, "times"),
    "ClockAlignedDataInterval": KnownKey(
        CORE, "Readings at fixed times of the day, every so many seconds; 0 for none.", _W, "s", False, _MUST
    ),
    "ConnectionTimeOut": KnownKey(
        CORE, "How long the charger waits for the plug after a card, or the card after a plug.", _W, "s", False, _MUST
    ),
    "ConnectorPhaseRotation": KnownKey(CORE, "How the phases are wired at each connector.", _L, "", False, _MUST),
    "ConnectorPhaseRotationMaxLength": KnownKey(CORE, "How many entries ConnectorPhaseRotation takes.", _W, "", _RO),
    "GetConfigurationMaxKeys": KnownKey(CORE, "How many keys one question may name.", _W, "", _RO, _MUST),
    "HeartbeatInterval": KnownKey(CORE, "How often the charger reports that it is alive.", _W, "s", False, _MUST),
    "LightIntensity": KnownKey(CORE, "How bright its lights are.", _W, "%"),
    "LocalAuthorizeOffline": KnownKey(
        CORE, "Known cards may charge while the charger is offline.", _F, "", False, _MUST
    ),
    "LocalPreAuthorize": KnownKey(CORE, "Known cards start at once, without asking us first.", _F, "", False, _MUST),
    "MaxEnergyOnInvalidId": KnownKey(CORE, "How much a card may still draw that was refused meanwhile.", _W, "Wh"),
    "MeterValuesAlignedData": KnownKey(CORE, "What is measured at fixed times of the day.", _L, "", False, _MUST),
    "MeterValuesAlignedDataMaxLength": KnownKey(CORE, "How many of them.", _W, "", _RO),
    "MeterValuesSampledData": KnownKey(CORE, "What is measured while charging.", _L, "", False, _MUST),
    "MeterValuesSampledDataMaxLength": KnownKey(CORE, "How many of them.", _W, "", _RO),
    "MeterValueSampleInterval": KnownKey(
        CORE, "How often readings come while charging; 0 for never.", _W, "s", False, _MUST
    ),
    "MinimumStatusDuration": KnownKey(CORE, "How long a status lasts before it is reported.", _W, "s"),
    "NumberOfConnectors": KnownKey(CORE, "How many plugs it has.", _W, "", _RO, _MUST),
    "ResetRetries": KnownKey(CORE, "How often a reboot is tried.", _W, "times", False, _MUST),
    "StopTransactionOnEVSideDisconnect": KnownKey(
        CORE, "Pulling the plug at the car ends the session.", _F, "", False, _MUST
    ),
    "StopTransactionOnInvalidId": KnownKey(
        CORE, "A card that turns out to be refused ends its session.", _F, "", False, _MUST
    ),
    "StopTxnAlignedData": KnownKey(
        CORE, "Readings at fixed times that come again with the stop.", _L, "", False, _MUST
    ),
    "StopTxnAlignedDataMaxLength": KnownKey(CORE, "How many of them.", _W, "", _RO),
    "StopTxnSampledData": KnownKey(CORE, "Readings that come again with the stop.", _L, "", False, _MUST),
    "StopTxnSampledDataMaxLength": KnownKey(CORE, "How many of them.", _W, "", _RO),
    "SupportedFeatureProfiles": KnownKey(CORE, "Which parts of OCPP the charger knows.", _L, "", _RO, _MUST),
    "SupportedFeatureProfilesMaxLength": KnownKey(CORE, "How many of them.", _W, "", _RO),
    "TransactionMessageAttempts": KnownKey(
        CORE, "How often a start or stop is sent again that we did not take.", _W, "times", False, _MUST
    ),
    "TransactionMessageRetryInterval": KnownKey(CORE, "How long it waits between them.", _W, "s", False, _MUST),
    "UnlockConnectorOnEVSideDisconnect": KnownKey(
        CORE, "Pulling the plug at the car also releases it at the charger.", _F, "", False, _MUST
    ),
    "WebSocketPingInterval": KnownKey(CORE, "How often it checks the connection; 0 for never.", _W, "s"),
    "LocalAuthListEnabled": KnownKey(LIST, "The charger uses its local list of cards.", _F),
    "LocalAuthListMaxLength": KnownKey(LIST, "How many cards the list holds.", _W, "", _RO),
    "SendLocalListMaxLength": KnownKey(LIST, "How many cards one update may hold.", _W, "", _RO),
    "ReserveConnectorZeroSupported": KnownKey(
        RESERVE, "Any plug may be reserved, not only a certain one.", _F, "", _RO
    ),
    "ChargeProfileMaxStackLevel": KnownKey(SMART, "The highest level of a charging profile.", _W, "", _RO),
    "ChargingScheduleAllowedChargingRateUnit": KnownKey(SMART, "Whether limits are in ampere or watt.", _L, "", _RO),
    "ChargingScheduleMaxPeriods": KnownKey(SMART, "How many periods a schedule may have.", _W, "", _RO),
    "ConnectorSwitch3to1PhaseSupported": KnownKey(SMART, "It can change from three phases to one.", _F, "", _RO),
    "MaxChargingProfilesInstalled": KnownKey(SMART, "How many charging profiles it keeps.", _W, "", _RO),
    "SupportedFileTransferProtocols": KnownKey(FIRMWARE, "How it fetches and uploads files.", _L, "", _RO),
    "AdditionalRootCertificateCheck": KnownKey(
        SECURITY, "New root certificates are checked by an old one.", _F, "", _RO
    ),
    "AuthorizationKey": KnownKey(SECURITY, "The charger's password here. It is never shown.", _T),
    "CertificateSignedMaxChainSize": KnownKey(SECURITY, "How long a certificate chain may be.", _W, "bytes", _RO),
    "CertificateStoreMaxLength": KnownKey(SECURITY, "How many root certificates it keeps.", _W, "", _RO),
    "CpoName": KnownKey(SECURITY, "The operator's name in the charger's certificate.", _T),
    "SecurityProfile": KnownKey(
        SECURITY, "How the charger connects: 1 password, 2 password over TLS, 3 certificate. It only ever rises.", _W
    ),
}
VENDOR = "Of the vendor"


def group_of(name: str) -> str:
    """The heading under which a key stands."""
    return KNOWN[name].group if name in KNOWN else VENDOR


def trouble(name: str, value: str) -> str | None:
    """Why that value cannot be meant for that key; None if it may be. Keys of vendors take any text."""
    if len(value) > LONGEST_VALUE:
        return f"At most {LONGEST_VALUE} characters; these are {len(value)}."
    if not value.isprintable():
        return "Only printable characters, on one line."
    known = KNOWN.get(name)
    if known is None:
        return None
    if known.shape is Shape.WHOLE and not _is_whole(value):
        return f"A whole number{f' of {known.unit}' if known.unit else ''}, for example 60."
    if known.shape is Shape.FLAG and value.lower() not in ("true", "false"):
        return "Either true or false."
    return None


def _is_whole(value: str) -> bool:
    digits = value.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 11


def is_same(name: str, one: str | None, other: str | None) -> bool:
    """Whether two values mean the same to a charger.

    >>> is_same("LocalPreAuthorize", "True", "true"), is_same("StopTxnSampledData", "Voltage, SoC", "Voltage,SoC")
    (True, True)
    """
    if one is None or other is None:
        return one is other
    shape = KNOWN[name].shape if name in KNOWN else Shape.TEXT
    if shape is Shape.FLAG:
        return one.strip().lower() == other.strip().lower()
    if shape is Shape.WORDS:
        return [word.strip() for word in one.split(",")] == [word.strip() for word in other.split(",")]
    return one == other or (shape is Shape.WHOLE and one.strip().lstrip("0") == other.strip().lstrip("0"))
