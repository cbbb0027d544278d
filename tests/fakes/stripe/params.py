"""What may be sent: exactly the parameters that the SDK's own TypedDicts name, less the options of a request.

Several of those TypedDicts mix both in, so that `idempotency_key` among the parameters would pass a type checker.
"""

import sys
import typing
from typing import Any
from urllib.parse import parse_qsl

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from tests.fakes.stripe.refusals import Refusal, bad_request

OPTIONS = frozenset(RequestOptions.__annotations__)


def decode(text: str) -> dict[str, Any]:
    """`a[b][0]=c` as nested values."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        first, *rest = name.replace("]", "").split("[")
        at = made
        for part in (first, *rest[:-1]) if rest else ():
            at = at.setdefault(part, {})
        at[rest[-1] if rest else first] = value
    return {name: _lists(value) for name, value in made.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(each) for key, each in value.items()}


def check(sent: dict[str, Any], kind: type, path: str = "") -> dict[str, Any]:
    """The values in their types.

    Raises:
        Refusal: a parameter that Stripe does not know, of the wrong type, or missing.
    """
    hints = _hints(kind)
    for name in sent:
        if name not in hints or name in OPTIONS:
            raise Refusal(
                400, "invalid_request_error", f"Received unknown parameter: {path}{name}", "parameter_unknown"
            )
    missing = getattr(kind, "__required_keys__", frozenset()) - set(sent) - OPTIONS
    if missing:
        raise bad_request(f"Missing required param: {path}{min(missing)}.", "parameter_missing")
    return {name: _typed(value, hints[name], f"{path}{name}") for name, value in sent.items()}


def _hints(kind: type) -> dict[str, Any]:
    names = {**vars(typing), **vars(sys.modules[kind.__module__]), "StripeContext": object}
    return typing.get_type_hints(kind, globalns=names)


def _typed(value: Any, hint: Any, path: str) -> Any:
    arms = [arm for arm in _arms(hint) if arm is not type(None)]
    problem = bad_request(f"Invalid value for {path}: {value!r}")
    for arm in arms:
        try:
            return _as(value, arm, path)
        except Refusal as refusal:
            if refusal.code:
                problem = refusal
    raise problem


def _arms(hint: Any) -> list[Any]:
    origin = typing.get_origin(hint)
    if origin is typing.Union or type(hint).__name__ == "UnionType":
        return [each for arm in typing.get_args(hint) for each in _arms(arm)]
    if origin in (typing.Required, typing.NotRequired):
        return _arms(typing.get_args(hint)[0])
    return [hint]


def _as(value: Any, arm: Any, path: str) -> Any:
    origin, inner = typing.get_origin(arm), typing.get_args(arm)
    if is_typeddict(arm) and isinstance(value, dict):
        return check(value, arm, f"{path}.")
    if origin is list and isinstance(value, list):
        return [_typed(each, inner[0], path) for each in value]
    if origin is dict and isinstance(value, dict):
        return {name: _typed(each, inner[1], path) for name, each in value.items()}
    if origin is typing.Literal and value in inner:
        return value
    if arm is bool and value in ("true", "false"):
        return value == "true"
    if arm is int and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if arm is str and isinstance(value, str):
        return value
    raise bad_request(f"Invalid value for {path}: {value!r}")
