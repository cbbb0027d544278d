"""The operator API `/api/v1`: JSON for operators' own systems, with keys instead of sign-in.

One module a noun. A call is declared once (operation.py); from that come its route, its checks and its place in the
OpenAPI document.
"""

from flask import Flask, request

from blueprints import access, shell
from blueprints.api import keys, openapi, problems, settlements  # noqa: F401 - importing a noun declares its calls
from blueprints.api.operation import bp


def init_app(app: Flask) -> None:
    """The app answers under /api/v1."""
    keys.init_app(app)
    problems.init_app(app)
    access.public_blueprint(bp)
    shell.csrf.exempt(bp)  # no cookie opens anything here
    app.register_blueprint(bp)


@bp.before_request
def identify() -> None:
    """Everything but the description needs a key."""
    if request.endpoint != "api.openapi":
        keys.identify()
