"""What went wrong on a driver's page, in the driver's language."""

from flask import current_app, request

from blueprints import driver_words

LATER = frozenset({429, 500, 503})


def answer(status: int, text: str | None) -> tuple[str, int]:
    """That status as a driver's page. Asks no database."""
    words = driver_words.of_error(status)
    # Rendered by Jinja alone: Flask's context processors would ask the database who is signed in.
    template = current_app.jinja_env.get_template("driver/error.html")
    shown = template.render(
        title=words.title,
        text=driver_words.told(text, words.text),
        can_reload=status in LATER and request.method == "GET",
        can_switch=request.method == "GET" and status != 405,
    )
    return shown, status
