"""The message that is measured, and WebSocket frames made as cheaply as a load generator needs them."""

import base64
import json
import os
import time
from datetime import UTC, datetime

# A three-phase wall box: eight samples, 935 bytes: about the mean of the MeterValues in tests/data/corpus.
_SAMPLES = [
    {
        "value": "%(register)d",
        "context": "Sample.Periodic",
        "measurand": "Energy.Active.Import.Register",
        "location": "Outlet",
        "unit": "Wh",
    },
    {"value": "10912.4", "context": "Sample.Periodic", "measurand": "Power.Active.Import", "unit": "W"},
    *(
        {"value": current, "context": "Sample.Periodic", "measurand": "Current.Import", "phase": phase, "unit": "A"}
        for phase, current in (("L1", "15.8"), ("L2", "15.9"), ("L3", "16.0"))
    ),
    *(
        {"value": voltage, "context": "Sample.Periodic", "measurand": "Voltage", "phase": phase, "unit": "V"}
        for phase, voltage in (("L1-N", "229.1"), ("L2-N", "230.1"), ("L3-N", "231.1"))
    ),
]
_VALUE = {"timestamp": "%(stamp)s", "sampledValue": _SAMPLES}
_PAYLOAD = {"connectorId": 1, "transactionId": 0, "meterValue": [_VALUE]}
_TEXT = (
    json.dumps([2, "%(id)s", "MeterValues", _PAYLOAD], separators=(",", ":"))
    .replace('"transactionId":0', '"transactionId":%(transaction)d')
    .encode()
)

_stamp_ms = 0
_stamp = b""


def meter_values(message_id: bytes, transaction_id: int, register_wh: int) -> bytes:
    """The text of a MeterValues CALL, sampled now."""
    return _TEXT % {
        b"id": message_id,
        b"transaction": transaction_id,
        b"register": register_wh,
        b"stamp": stamp(),
    }


def stamp() -> bytes:
    """The present time to the millisecond, made once a millisecond."""
    global _stamp_ms, _stamp
    now_ms = time.time_ns() // 1_000_000
    if now_ms != _stamp_ms:
        _stamp_ms = now_ms
        moment = datetime.fromtimestamp(now_ms / 1000, UTC)
        _stamp = moment.isoformat(timespec="milliseconds").removesuffix("+00:00").encode() + b"Z"
    return _stamp


def masked(text: bytes, opcode: int = 1) -> bytes:
    """A client's frame. Its mask is zero: the server has the same work, we have none."""
    size = len(text)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size, 0, 0, 0, 0)) + text
    return bytes((0x80 | opcode, 0xFE, size >> 8, size & 0xFF, 0, 0, 0, 0)) + text


def handshake(port: int, device_id: str, password: str) -> bytes:
    """The request that opens a charger's socket."""
    login = base64.b64encode(f"{device_id}:{password}".encode()).decode()
    lines = (
        f"GET /{device_id} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
        f"Authorization: Basic {login}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
