"""What an installation may set, read once at start."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from domain.models.operators import Role

STAFF = frozenset({Role.PLATFORM_ADMIN, Role.PLATFORM_SUPPORT})  # never without a second factor


@dataclass(frozen=True)
class Settings:
    """One installation's settings; `.env.example` lists them all with their meaning."""

    database_url: str
    instance_dir: Path
    secret_key: str
    web_port: int = 8000
    ocpp_port: int = 9000
    ocpp_tls_port: int = 9001
    public_url: str = "http://localhost:8000"
    ocpp_public_url: str = "ws://localhost:9000"
    smtp_url: str | None = None
    mail_from: str = "Voltdesk <voltdesk@localhost>"
    map_tiles_url: str | None = None
    map_attribution: str | None = None
    bind_host: str = "0.0.0.0"  # noqa: S104 - chargers and phones come from outside
    proxy_hops: int = 0  # proxies in front of the web whose X-Forwarded-… are believed
    node_name: str = "ocpp-1"
    ocpp_deflate: bool = False
    ocpp_ping_interval_s: int = 30
    message_retention_days: int = 90
    firmware_max_mib: int = 256
    is_demo: bool = False
    stripe_api_url: str | None = None  # where Stripe is; only tests say so, there is no variable for it
    second_factor_roles: frozenset[Role] = STAFF | {Role.OWNER, Role.FINANCE}

    @classmethod
    def from_env(cls, env: Mapping[str, str | None] | None = None) -> "Settings":
        """Settings from environment variables, else from `.env` in the working folder, else defaults for a laptop.

        Raises:
            ValueError: a variable holds something that cannot be meant.
        """
        values = {**dotenv_values(".env"), **os.environ} if env is None else env
        instance_dir = Path(values.get("INSTANCE_DIR") or "instance").resolve()
        web_port = _port(values, "WEB_PORT", 8000)
        ocpp_port = _port(values, "OCPP_PORT", 9000)
        return cls(
            database_url=values.get("DATABASE_URL") or f"sqlite:///{instance_dir / 'voltdesk.db'}",
            instance_dir=instance_dir,
            secret_key=values.get("SECRET_KEY") or _kept_secret(instance_dir / "secret_key"),
            web_port=web_port,
            ocpp_port=ocpp_port,
            ocpp_tls_port=_port(values, "OCPP_TLS_PORT", 9001),
            public_url=(values.get("PUBLIC_URL") or f"http://localhost:{web_port}").rstrip("/"),
            ocpp_public_url=(values.get("OCPP_PUBLIC_URL") or f"ws://localhost:{ocpp_port}").rstrip("/"),
            smtp_url=values.get("SMTP_URL") or None,
            mail_from=values.get("MAIL_FROM") or cls.mail_from,
            map_tiles_url=values.get("MAP_TILES_URL") or None,
            map_attribution=values.get("MAP_ATTRIBUTION") or None,
            bind_host=values.get("BIND_HOST") or cls.bind_host,
            proxy_hops=_whole(values, "PROXY_HOPS", cls.proxy_hops),
            node_name=values.get("NODE_NAME") or cls.node_name,
            ocpp_deflate=_flag(values, "OCPP_DEFLATE"),
            ocpp_ping_interval_s=_whole(values, "OCPP_PING_INTERVAL_S", cls.ocpp_ping_interval_s),
            message_retention_days=_whole(values, "MESSAGE_RETENTION_DAYS", cls.message_retention_days),
            firmware_max_mib=_whole(values, "FIRMWARE_MAX_MIB", cls.firmware_max_mib),
            is_demo=_flag(values, "VOLTDESK_DEMO"),
            second_factor_roles=_roles(values, cls.second_factor_roles),
        )

    def asks_second_factor(self, role: Role) -> bool:
        """Whether people of that role must sign in with a second factor."""
        return role in self.second_factor_roles and not self.is_demo


def _whole(values: Mapping[str, str | None], name: str, default: int) -> int:
    text = values.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def _port(values: Mapping[str, str | None], name: str, default: int) -> int:
    port = _whole(values, name, default)
    if not 0 < port < 65536:
        raise ValueError(f"{name} must be a port from 1 to 65535, not {port}.")
    return port


def _flag(values: Mapping[str, str | None], name: str) -> bool:
    text = (values.get(name) or "0").lower()
    if text not in ("0", "1", "true", "false", "yes", "no"):
        raise ValueError(f"{name} must be 1 or 0, not {text!r}.")
    return text in ("1", "true", "yes")


def _roles(values: Mapping[str, str | None], default: frozenset[Role]) -> frozenset[Role]:
    words = (values.get("SECOND_FACTOR_ROLES") or "").replace(",", " ").lower().replace("-", "_").split()
    if not words:
        return default
    if words == ["none"]:
        return STAFF
    try:
        return STAFF | {Role(word) for word in words}
    except ValueError as error:
        known = ", ".join(role.value.replace("_", "-") for role in Role) + ", or none"
        raise ValueError(f"SECOND_FACTOR_ROLES may name {known}.") from error


def _kept_secret(path: Path) -> str:
    """The secret in that file, made on first use so that logins survive a restart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    # A process that started in the same instant may still be writing.
    for _ in range(1000):
        text = path.read_text(encoding="ascii").strip()
        if text:
            return text
    raise ValueError(f"{path} is empty; delete it and start again.")
