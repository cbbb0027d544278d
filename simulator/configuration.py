"""The configuration keys of a charger: what may be read, changed, and what needs a reboot.

Source: OCPP 1.6, section 9; the security keys: OCA white paper "Improved security for OCPP 1.6-J", section 7.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from simulator.messages import MEASURANDS
from simulator.wire import Payload

Access = Literal["read", "write", "write and reboot", "write only"]
ChangeStatus = Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]
VALUE_LENGTH = 500
FEATURES = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
SAMPLED = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and int(value) < 2**31


def _is_flag(value: str) -> bool:
    return value.lower() in ("true", "false")


def _is_measurands(value: str) -> bool:
    return all(name in MEASURANDS for name in _split(value))


def _is_text(_value: str) -> bool:
    return True


@dataclass(frozen=True)
class Key:
    default: str
    check: Callable[[str], bool] = _is_text
    access: Access = "write"


def _number(default: int, access: Access = "write") -> Key:
    return Key(str(default), _is_number, access)


def _flag(default: str, access: Access = "write") -> Key:
    return Key(default, _is_flag, access)


def _fixed(default: str) -> Key:
    return Key(default, access="read")


KEYS: Mapping[str, Key] = {
    "AdditionalRootCertificateCheck": _fixed("false"),
    "AllowOfflineTxForUnknownId": _flag("false"),
    "AuthorizationCacheEnabled": _flag("true"),
    "AuthorizationKey": Key("", lambda value: 16 <= len(value) <= 40, "write only"),
    "AuthorizeRemoteTxRequests": _flag("false"),
    "CertificateSignedMaxChainSize": _fixed("10000"),
    "CertificateStoreMaxLength": _fixed("10"),
    "ChargeProfileMaxStackLevel": _fixed("8"),
    "ChargingScheduleAllowedChargingRateUnit": _fixed("Current,Power"),
    "ChargingScheduleMaxPeriods": _fixed("48"),
    "ClockAlignedDataInterval": _number(0),
    "ConnectionTimeOut": _number(120),
    "ConnectorPhaseRotation": Key("NotApplicable", access="write and reboot"),
    "CpoName": Key(""),
    "GetConfigurationMaxKeys": _fixed("60"),
    "HeartbeatInterval": _number(300),
    "LocalAuthListEnabled": _flag("true"),
    "LocalAuthListMaxLength": _fixed("1000"),
    "LocalAuthorizeOffline": _flag("true"),
    "LocalPreAuthorize": _flag("false"),
    "MaxChargingProfilesInstalled": _fixed("20"),
    "MeterValueSampleInterval": _number(60),
    "MeterValuesAlignedData": Key(SAMPLED, _is_measurands),
    "MeterValuesSampledData": Key(SAMPLED, _is_measurands),
    "NumberOfConnectors": _fixed("1"),
    "ReserveConnectorZeroSupported": _fixed("true"),
    "ResetRetries": _number(1),
    "SecurityProfile": Key("1", lambda value: value in ("0", "1", "2"), "write and reboot"),
    "SendLocalListMaxLength": _fixed("250"),
    "StopTransactionOnEVSideDisconnect": _flag("true"),
    "StopTransactionOnInvalidId": _flag("true"),
    "StopTxnAlignedData": Key("", _is_measurands),
    "StopTxnSampledData": Key("Energy.Active.Import.Register", _is_measurands),
    "SupportedFeatureProfiles": _fixed(FEATURES),
    "SupportedFileTransferProtocols": _fixed("HTTP,HTTPS"),
    "TransactionMessageAttempts": _number(3),
    "TransactionMessageRetryInterval": _number(60),
    "UnlockConnectorOnEVSideDisconnect": _flag("true"),
    "WebSocketPingInterval": _number(0, "write and reboot"),
}


class Configuration:
    """The values in force; `changed` holds those that differ from the factory's, for keeping."""

    def __init__(self, changed: Mapping[str, str] | None = None, fixed: Mapping[str, str] | None = None) -> None:
        self._fixed = dict(fixed or {})
        self.changed = dict(changed or {})

    def text(self, name: str) -> str:
        return self.changed.get(name, self._fixed.get(name, KEYS[name].default))

    def number(self, name: str) -> int:
        return int(self.text(name))

    def is_on(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def names(self, name: str) -> list[str]:
        return _split(self.text(name))

    def change(self, name: str, value: str) -> ChangeStatus:
        """The answer to ChangeConfiguration; the value is in force unless refused."""
        key = KEYS.get(name)
        if key is None:
            return "NotSupported"
        if key.access == "read" or len(value) > VALUE_LENGTH or not key.check(value):
            return "Rejected"
        self.changed[name] = value
        return "RebootRequired" if key.access == "write and reboot" else "Accepted"

    def listed(self, names: list[str]) -> Payload:
        """The answer to GetConfiguration: the named keys, or all that can be read."""
        known = [name for name in names or KEYS if name in KEYS and KEYS[name].access != "write only"]
        unknown = [name for name in names if name not in known]
        answer: Payload = {"configurationKey": [self._shown(name) for name in known]}
        return {**answer, "unknownKey": unknown} if unknown else answer

    def _shown(self, name: str) -> Payload:
        return {"key": name, "readonly": KEYS[name].access == "read", "value": self.text(name)}


def _split(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]
