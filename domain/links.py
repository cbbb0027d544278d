"""Where mails lead. The edge that knows the paths of pages makes one of these; rules only hand it on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Links:
    """Whole addresses; those with a secret are made for each mail."""

    sign_in: str
    forgot: str
    confirm: Callable[[str], str]
    set_password: Callable[[str], str]
    application: Callable[[str], str]
    review: Callable[[int], str]  # an application as staff open it
