"""`python -m ocpp_server`: the OCPP sidecar of this installation."""

import uvloop

from domain.settings import Settings
from ocpp_server import lines
from ocpp_server.serving import serve


def main() -> None:
    """Serves until SIGTERM."""
    lines.start()
    uvloop.run(serve(Settings.from_env()))


if __name__ == "__main__":
    main()
