"""One connector: its facts, and the OCPP status that follows from them."""

from dataclasses import dataclass
from datetime import datetime

from simulator.power import Outlet, Vehicle


@dataclass
class Transaction:
    """A charging transaction; `id` comes from the central system, None until it answered."""

    key: str
    connector_id: int
    id_tag: str
    started_at: datetime
    meter_start_wh: int
    id: int | None = None
    parent_id_tag: str | None = None
    reservation_id: int | None = None
    on_for_s: float = 0.0
    is_deauthorised: bool = False

    def __str__(self) -> str:
        return f"transaction {self.id if self.id is not None else '(no id yet)'}"


@dataclass(frozen=True)
class Authorisation:
    """A card or remote start that waits for a cable until `expires_s` (of the clock's elapsed seconds)."""

    id_tag: str
    expires_s: float
    parent_id_tag: str | None = None
    profile: dict[str, object] | None = None


@dataclass(frozen=True)
class Reservation:
    id: int
    id_tag: str
    expires_at: datetime
    parent_id_tag: str | None = None


@dataclass
class Connector:
    """Facts only; the status is worked out, so that it cannot contradict them."""

    id: int
    outlet: Outlet
    register_wh: float
    is_tethered: bool = False
    vehicle: Vehicle | None = None
    transaction: Transaction | None = None
    authorisation: Authorisation | None = None
    reservation: Reservation | None = None
    is_finishing: bool = False
    is_operative: bool = True
    # ChangeAvailability that waits for the end of a transaction.
    scheduled_operative: bool | None = None
    error_code: str = "NoError"
    error_info: str = ""
    power_w: float = 0.0
    limit_w: float | None = None
    # Last status and error code handed to the central system; None when it must be told again.
    announced: tuple[str, str] | None = None
    last_sample_s: float = 0.0

    @property
    def meter_wh(self) -> int:
        return int(self.register_wh)

    @property
    def is_faulted(self) -> bool:
        return self.error_code != "NoError"

    @property
    def is_idle(self) -> bool:
        """Whether somebody could start here."""
        return self.status in ("Available", "Preparing", "Reserved", "Finishing") and self.authorisation is None

    @property
    def status(self) -> str:
        """Source: OCPP 1.6, section 4.9 and ChargePointStatus."""
        if self.is_faulted:
            return "Faulted"
        if self.transaction:
            return self._charging_status()
        if not self.is_operative:
            return "Unavailable"
        if self.is_finishing:
            return "Finishing"
        if self.authorisation:
            return "Preparing"
        if self.reservation:
            return "Reserved"
        return "Preparing" if self.vehicle else "Available"

    def _charging_status(self) -> str:
        if self.power_w > 0:
            return "Charging"
        is_held_back = self.limit_w is not None and self.vehicle is not None and not self.vehicle.is_full
        return "SuspendedEVSE" if is_held_back or self.transaction.is_deauthorised else "SuspendedEV"
