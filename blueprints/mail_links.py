"""The addresses that mails name: pages of ours under the address that people type."""

from flask import current_app, url_for

from domain.links import Links


def links() -> Links:
    """Where mails of this installation lead."""
    return Links(
        sign_in=public(url_for("auth.sign_in")),
        forgot=public(url_for("passwords.forgot")),
        confirm=lambda secret: public(url_for("sign_up.confirm", secret=secret)),
        set_password=lambda secret: public(url_for("passwords.choose", secret=secret)),
        application=lambda secret: public(url_for("apply.status", secret=secret)),
        review=lambda application_id: public(url_for("applications.detail", application_id=application_id)),
    )


def public(path: str) -> str:
    """The whole address of a page."""
    base: str = current_app.extensions["settings"].public_url
    return base + path
