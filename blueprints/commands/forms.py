"""The commands that have a form: what a person fills in, and the OCPP 1.6 payload that it becomes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError
from wtforms.widgets import DateTimeLocalInput

from domain import diagnostics, json_text
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession
from domain.rights import Right

TRIGGERS = (
    "StatusNotification",
    "MeterValues",
    "Heartbeat",
    "BootNotification",
    "FirmwareStatusNotification",
    "DiagnosticsStatusNotification",
)


AVAILABILITIES = [SelectChoice("Operative", "Available to drivers"), SelectChoice("Inoperative", "Out of service")]


class RebootForm(FlaskForm):
    kind = RadioField(
        "How",
        choices=[
            SelectChoice("Soft", "Soft: end the session properly, then restart"),
            SelectChoice("Hard", "Hard: restart at once"),
        ],
        default="Soft",
    )


class ConnectorForm(FlaskForm):
    connector = RadioField("Connector", coerce=int)


class StopForm(FlaskForm):
    session = RadioField("Session")


class StartForm(FlaskForm):
    connector = SelectField("Connector", coerce=int)
    card = StringField("Card number (idTag)", [InputRequired("Give the number of a card."), Length(max=20)])


class AvailabilityForm(FlaskForm):
    connector = SelectField("What", coerce=int)
    kind = RadioField(
        "Becomes",
        choices=AVAILABILITIES,
        default="Inoperative",
    )


class TriggerForm(FlaskForm):
    message = SelectField("Message", choices=[SelectChoice(each) for each in TRIGGERS])
    connector = SelectField("Connector", coerce=int)


class NothingForm(FlaskForm):
    """Only the question."""


class ReadForm(FlaskForm):
    keys = StringField("Keys, separated by commas; none for all", [Optional(), Length(max=2000)])


class ChangeForm(FlaskForm):
    key = StringField("Key", [InputRequired("Name the key."), Length(max=50)])
    value = StringField("Value", [Length(max=500)])


class DateTimeLocalField(StringField):
    """A time on the station's clock, kept as typed: the view knows the zone."""

    widget = DateTimeLocalInput()

    def pre_validate(self, _form: object) -> None:
        try:
            datetime.fromisoformat(self.data or "2026-01-01T00:00")
        except ValueError:
            raise ValidationError("Write date and time, such as 2026-11-20 18:30.") from None


class KindOfDiagnosticsForm(FlaskForm):
    kind = RadioField(
        "What", choices=[SelectChoice(kind, text) for kind, text in diagnostics.KINDS.items()], default="Diagnostics"
    )


class DiagnosticsForm(KindOfDiagnosticsForm):
    since = DateTimeLocalField("From", [Optional()])
    until = DateTimeLocalField("Until", [Optional()])
    location = StringField(
        "Another address to upload to",
        [
            Optional(),
            Regexp(
                r"(?i)(ftp|ftps|sftp|http|https)://\S+$", message="Begin with ftp://, ftps://, http:// or https://."
            ),
            Length(max=500),
        ],
    )


class WholeAvailabilityForm(FlaskForm):
    """For whole chargers."""

    kind = RadioField("They become", choices=AVAILABILITIES, default="Inoperative")


class WholeTriggerForm(FlaskForm):
    """For whole chargers."""

    message = SelectField("Message", choices=[SelectChoice(each) for each in TRIGGERS])


class RawForm(FlaskForm):
    action = StringField("Action", [InputRequired("Name the OCPP action."), Length(max=50)])
    payload = TextAreaField("Payload, JSON", default="{}")


@dataclass(frozen=True)
class Ask:
    """A command as people ask for it. `payload` turns the filled form into OCPP; `verb` is the button."""

    slug: str
    action: str
    title: str
    verb: str
    icon: str
    right: Right
    form: type[FlaskForm]
    payload: Callable[[Any], dict[str, Any]]
    lead: str = ""
    keep: str = "Cancel"
    is_risky: bool = False


def _for_connector(form: Any) -> dict[str, Any]:
    return {"connectorId": form.connector.data}


def _triggered(form: Any) -> dict[str, Any]:
    plug = {"connectorId": form.connector.data} if form.connector.data else {}
    return {"requestedMessage": form.message.data} | plug


def _read_keys(form: Any) -> dict[str, Any]:
    keys = [key.strip() for key in (form.keys.data or "").split(",") if key.strip()]
    return {"key": keys} if keys else {}


def _availability(form: Any) -> dict[str, Any]:
    return {"connectorId": form.connector.data, "type": form.kind.data}


ASKS = {
    each.slug: each
    for each in (
        Ask(
            "reboot",
            "Reset",
            "Reboot",
            "Reboot",
            "refresh",
            Right.REBOOT,
            RebootForm,
            lambda form: {"type": form.kind.data},
            keep="Keep running",
            is_risky=True,
        ),
        Ask(
            "start",
            "RemoteStartTransaction",
            "Start charging",
            "Start charging",
            "player-play",
            Right.CHARGING,
            StartForm,
            lambda form: {"connectorId": form.connector.data, "idTag": form.card.data},
            "Charging starts as if this card had been held to the charger.",
        ),
        Ask(
            "stop",
            "RemoteStopTransaction",
            "Stop charging",
            "Stop charging",
            "square",
            Right.CHARGING,
            StopForm,
            lambda form: {"transactionId": int(form.session.data)},
            keep="Keep charging",
            is_risky=True,
        ),
        Ask(
            "unlock",
            "UnlockConnector",
            "Unlock connector",
            "Unlock connector",
            "lock-open",
            Right.CHARGING,
            ConnectorForm,
            _for_connector,
            "Releases a plug that is stuck.",
            keep="Keep locked",
        ),
        Ask(
            "availability",
            "ChangeAvailability",
            "Availability",
            "Change availability",
            "power",
            Right.CONFIGURE,
            AvailabilityForm,
            _availability,
            "A running session ends first; the change follows it.",
        ),
        Ask(
            "trigger",
            "TriggerMessage",
            "Trigger message",
            "Ask for the message",
            "send",
            Right.CONFIGURE,
            TriggerForm,
            _triggered,
            "The charger sends this message again now.",
        ),
        Ask(
            "clear-cache",
            "ClearCache",
            "Clear cache",
            "Clear cache",
            "trash",
            Right.CONFIGURE,
            NothingForm,
            lambda _form: {},
            "The charger forgets which cards it has seen accepted; it asks again for each of them.",
        ),
        Ask(
            "get-configuration",
            "GetConfiguration",
            "Read configuration",
            "Read",
            "eye",
            Right.CONFIGURE,
            ReadForm,
            _read_keys,
        ),
        Ask(
            "change-configuration",
            "ChangeConfiguration",
            "Change configuration",
            "Change",
            "settings",
            Right.CONFIGURE,
            ChangeForm,
            lambda form: {"key": form.key.data, "value": form.value.data or ""},
        ),
        Ask(
            "diagnostics",
            "GetDiagnostics",
            "Upload diagnostics",
            "Ask for diagnostics",
            "file-text",
            Right.CONFIGURE,
            DiagnosticsForm,
            lambda _form: {},
            "The charger uploads them to an address of ours that works once. They appear on this page.",
        ),
        Ask(
            "raw",
            "",
            "Raw command",
            "Send",
            "terminal-2",
            Right.CONFIGURE,
            RawForm,
            lambda form: json_text.decode(form.payload.data),
            "Any CALL of OCPP 1.6, checked against its schema before it is sent.",
        ),
    )
}

NAMES = {each.action: each.title for each in ASKS.values() if each.action}


def made(ask: Ask, charger: Charger, running: Sequence[ChargingSession], *, empty: bool = False) -> FlaskForm:
    """The ask's form with the choices that this charger has."""
    form = ask.form(formdata=None) if empty else ask.form()
    known = [SelectChoice(each.number, _plug_name(each)) for each in charger.connectors if each.number > 0]
    plugs = known or [SelectChoice(1, "Connector 1")]
    if isinstance(form, AvailabilityForm):
        form.connector.choices = [SelectChoice(0, "The whole charger"), *plugs]
    elif isinstance(form, TriggerForm):
        form.connector.choices = [SelectChoice(0, "The charger itself"), *plugs]
    elif isinstance(form, ConnectorForm | StartForm):
        form.connector.choices = plugs
    elif isinstance(form, StopForm):
        numbered = [each for each in running if each.transaction_id]
        form.session.choices = [SelectChoice(each.transaction_id, _session_name(each)) for each in numbered]
    if empty:
        _choose_first(form)
    return form


def _choose_first(form: FlaskForm) -> None:
    for name in ("connector", "session"):
        control = getattr(form, name, None)
        if control is not None and control.choices and control.data is None:
            control.data = control.choices[0].value


def _plug_name(connector: Any) -> str:
    return f"Connector {connector.number}" + (f", {connector.kind}" if connector.kind else "")


def _session_name(charging: ChargingSession) -> str:
    return f"Connector {charging.connector_number}, {charging.energy_wh / 1000:.1f} kWh"
