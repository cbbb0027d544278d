"""Every CALL of 1.6 to a charge point, with a payload that uses all of its fields."""

from typing import Any

LATER = "2035-01-01T12:00:00Z"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "ab" * 32, "issuerKeyHash": "cd" * 32, "serialNumber": "1f"}
# 16.1 and 0.1 are what a check of `multipleOf 0.1` in floating point gets wrong.
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "validFrom": "2025-01-01T00:00:00Z",
    "validTo": LATER,
    "chargingSchedule": {
        "duration": 86400,
        "startSchedule": "2025-01-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
            {"startPeriod": 3600, "limit": 0.1},
        ],
        "minChargingRate": 0.3,
    },
}
TX_PROFILE = {**PROFILE, "chargingProfilePurpose": "TxProfile"}

CALLS: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 1},
    "CertificateSigned": {"certificateChain": CERTIFICATE},
    "ChangeAvailability": {"connectorId": 1, "type": "Operative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "300"},
    "ClearCache": {},
    "ClearChargingProfile": {
        "id": 1,
        "connectorId": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "stackLevel": 0,
    },
    "DataTransfer": {"vendorId": "Interop", "messageId": "Hello", "data": "world"},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "LogStatusNotification"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
    "GetConfiguration": {"key": ["HeartbeatInterval"]},
    "GetDiagnostics": {
        "location": "http://127.0.0.1:9/",
        "retries": 1,
        "retryInterval": 5,
        "startTime": "2025-01-01T00:00:00Z",
        "stopTime": LATER,
    },
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLocalListVersion": {},
    "GetLog": {
        "logType": "SecurityLog",
        "requestId": 3,
        "retries": 1,
        "retryInterval": 5,
        "log": {
            "remoteLocation": "http://127.0.0.1:9/",
            "oldestTimestamp": "2025-01-01T00:00:00Z",
            "latestTimestamp": LATER,
        },
    },
    "InstallCertificate": {"certificateType": "ManufacturerRootCertificate", "certificate": CERTIFICATE},
    "RemoteStartTransaction": {"idTag": "CARD1", "connectorId": 1, "chargingProfile": TX_PROFILE},
    "RemoteStopTransaction": {"transactionId": 5},
    "ReserveNow": {"connectorId": 1, "expiryDate": LATER, "idTag": "CARD1", "parentIdTag": "ALL", "reservationId": 1},
    "Reset": {"type": "Soft"},
    "SendLocalList": {
        "listVersion": 2,
        "updateType": "Full",
        "localAuthorizationList": [
            {"idTag": "CARD1", "idTagInfo": {"status": "Accepted", "expiryDate": LATER, "parentIdTag": "ALL"}}
        ],
    },
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "SignedUpdateFirmware": {
        "requestId": 4,
        "retries": 1,
        "retryInterval": 5,
        "firmware": {
            "location": "http://127.0.0.1:9/firmware.bin",
            "retrieveDateTime": LATER,
            "installDateTime": LATER,
            "signingCertificate": CERTIFICATE,
            "signature": "MAA=",
        },
    },
    "TriggerMessage": {"requestedMessage": "StatusNotification", "connectorId": 1},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": {
        "location": "http://127.0.0.1:9/firmware.bin",
        "retrieveDate": LATER,
        "retries": 1,
        "retryInterval": 5,
    },
}
