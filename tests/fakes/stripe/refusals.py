"""Stripe's errors."""

from typing import Any


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, kind: str, message: str, code: str | None = None, decline_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.decline_code = status, kind, code, decline_code

    def body(self) -> dict[str, Any]:
        said = {"type": self.kind, "message": str(self), "code": self.code, "decline_code": self.decline_code}
        return {"error": {name: value for name, value in said.items() if value is not None}}


def bad_request(message: str, code: str | None = None) -> Refusal:
    return Refusal(400, "invalid_request_error", message, code)


def missing(kind: str, ref: str) -> Refusal:
    # Another account's object is as unknown as none.
    return Refusal(404, "invalid_request_error", f"No such {kind}: '{ref}'", "resource_missing")


def declined(decline_code: str, code: str = "card_declined") -> Refusal:
    return Refusal(402, "card_error", "Your card was declined.", code, decline_code)


def unexpected_state(message: str) -> Refusal:
    return bad_request(message, "payment_intent_unexpected_state")
