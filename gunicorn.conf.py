"""One web process with threads: request limits then count in one place (docs/adr/003)."""

from domain.settings import Settings

_settings = Settings.from_env()

bind = f"{_settings.bind_host}:{_settings.web_port}"
workers = 1
worker_class = "gthread"
threads = 40  # chargers that fetch firmware keep up to 20 of them for minutes
timeout = 60
graceful_timeout = 25
keepalive = 5
loglevel = "warning"
