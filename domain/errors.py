"""What may go wrong by the rules, told in a sentence for the person who asked.

The class is the decision (404, 422, 409); the message is what that person reads.
Trouble with a provider and bugs are not domain errors.
"""

from collections.abc import Sequence


class DomainError(Exception):
    """A rule said no; nothing was changed."""

    def __init__(self, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        """Args:
        message: a sentence that says what to do.
        errors: (field, sentence) pairs, when single fields are to blame.
        """
        super().__init__(message)
        self.errors = tuple(errors)


class NotFound(DomainError):
    """There is no such thing, or it belongs to somebody else: the two are told apart by nobody."""


class Refused(DomainError):
    """The request is understood and not allowed as it stands."""


class Conflict(DomainError):
    """The request was right, but the world has moved on or is not ready."""
