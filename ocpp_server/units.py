"""What the writer does for one frame of a charger."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.orm import Session

from domain import commands, connections, messages
from domain.command_secrets import masked, masked_answer
from domain.models.commands import CommandStatus
from domain.models.messages import Direction
from ocpp_server import judging
from ocpp_server.frames import Call, Error, Result, Unreadable
from ocpp_server.judging import Fault, Judged
from ocpp_server.writer import Frames

if TYPE_CHECKING:
    from ocpp_server.connection import Connection

IN, OUT = Direction.CP_TO_CSMS, Direction.CSMS_TO_CP


class FrameUnit:
    """A frame that only goes to the log: nothing that could be answered, or nothing we asked for."""

    __slots__ = ("action", "connection", "frame", "is_text", "notes", "now", "trouble")

    def __init__(
        self,
        connection: "Connection",
        frame: str | bytes,
        now: datetime,
        action: str | None = None,
        notes: str | None = None,
        is_text: bool = True,
    ) -> None:
        self.connection = connection
        self.frame = frame
        self.now = now
        self.action = action
        self.notes = notes
        self.is_text = is_text
        self.trouble = 0

    def run(self, db: Session, frames: Frames) -> None:
        self._log_in(frames)
        self._note_seen(db)

    def fail(self, _error: Exception, frames: Frames) -> None:
        self._log_in(frames)

    def deliver(self) -> None:
        self.connection.done(None)

    def _log_in(self, frames: Frames) -> None:
        connection = self.connection
        notes = "superseded" if connection.is_superseded else self.notes
        frames.append(
            messages.entry(
                connection.charger_id,
                self.now,
                IN,
                self.action,
                self.frame,
                is_binary=not self.is_text,
                notes=notes,
            )
        )

    def _log_out(self, frames: Frames, text: str) -> None:
        frames.append(messages.entry(self.connection.charger_id, self.connection.clock(), OUT, self.action, text))

    def _note_seen(self, db: Session) -> None:
        if self.connection.is_sighting_due(self.now):
            connections.seen(db, self.connection.charger_id, self.now)


class CallUnit(FrameUnit):
    """A CALL: handled, logged with its answer, answered after the commit."""

    __slots__ = ("_fault", "_judged", "_message_id", "_twin", "digest", "reply")

    def __init__(
        self,
        connection: "Connection",
        frame: str,
        now: datetime,
        call: Call | Unreadable,
        twin: "CallUnit | None" = None,
    ) -> None:
        super().__init__(connection, frame, now, call.action)
        self._message_id = call.id
        self._twin = twin  # the same frame came before: it gets the same answer (quirk B7)
        self._judged: Judged | None = None
        self._fault: Fault | None = None
        self.digest: int | None = hash(frame)
        self.reply: str | None = None
        if twin is not None:
            self.notes = "B7"
        elif isinstance(call, Unreadable):
            self._fault = Fault(call.code, call.description[: judging.LONGEST_DESCRIPTION])
        else:
            judged = self._judged = judging.judge(call)
            self._fault = judged.fault
            self.notes = " ".join(judged.quirks) or None

    def run(self, db: Session, frames: Frames) -> None:
        self._log_in(frames)
        if self.connection.is_superseded:
            self.reply = None
            return
        self.reply = self._twin.reply if self._twin is not None else self._answer(db)
        if self.reply is not None:
            self._log_out(frames, self.reply)
        self._note_seen(db)

    def _answer(self, db: Session) -> str:
        if self._fault is not None:
            return self._error(self._fault)
        judged = self._judged
        if judged is None or judged.handler is None or self.action is None:
            return f"[3,{self._message_id},{{}}]"
        connection = self.connection
        answer = judged.handler(db, connection.context(self.now), judged.payload)
        if not judging.is_proper(self.action, answer):
            raise ValueError(f"Our own answer to {self.action} breaks the schema: {answer}")
        if self.action in connection.awaited:
            commands.see_effect(db, connection.charger_id, self.action, judged.payload, self.now)
            connection.awaited = commands.awaited(db, connection.charger_id)
        return f"[3,{self._message_id},{orjson.dumps(answer).decode()}]"

    def _error(self, fault: Fault) -> str:
        return f"[4,{self._message_id},{_text(fault.code)},{_text(fault.description)},{{}}]"

    def fail(self, error: Exception, frames: Frames) -> None:
        self.digest = None  # the same frame again is not answered by our mishap, but tried again
        self.reply = self._error(judging.refusal(error))
        self._log_in(frames)
        self._log_out(frames, self.reply)

    def deliver(self) -> None:
        self.connection.done(self.reply)
        if self.action == "BootNotification" and self.reply is not None and '"Accepted"' in self.reply:
            self.connection.booted()
        # It may be kept for a while, in case the charger repeats itself.
        self.frame = ""
        self._judged = self._twin = None


class AnswerUnit(FrameUnit):
    """The answer to a CALL of ours: logged, and the command settled."""

    __slots__ = ("_answer", "_command")

    def __init__(
        self, connection: "Connection", frame: str, now: datetime, command: commands.Claimed, answer: Result | Error
    ) -> None:
        super().__init__(connection, masked(frame), now, command.action)
        self._command = command
        self._answer = answer

    def run(self, db: Session, frames: Frames) -> None:
        self._log_in(frames)
        status, response, error = self._meaning()
        commands.settle(db, self._command.id, status, self.now, response=response, error=error)
        self._note_seen(db)

    def _meaning(self) -> tuple[CommandStatus, dict[str, Any] | None, str | None]:
        answer = self._answer
        if isinstance(answer, Result):
            return commands.verdict(self._command.action, answer.payload), masked_answer(answer.payload), None
        sentence = f"{answer.code}: {answer.description}" if answer.description else answer.code
        return commands.error_verdict(answer.code), None, sentence.replace("\0", "")


def _text(text: str) -> str:
    return orjson.dumps(text.replace("\0", "")).decode()
