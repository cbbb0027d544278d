"""DataTransfer: vendors' own messages; the raw log keeps them."""

from typing import Any

from sqlalchemy.orm import Session

from ocpp_server.context import Context


def handle(_db: Session, _context: Context, _payload: dict[str, Any]) -> dict[str, Any]:
    """No vendor's extension is known here, which is not an error (quirk C11)."""
    return {"status": "UnknownVendorId"}
