"""Cards from a spreadsheet."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired

from blueprints import access, batches
from blueprints.tokens import bp
from blueprints.web import page
from domain import token_batches
from domain.models.batches import BatchKind
from domain.rights import Right


class CardsForm(FlaskForm):
    file = FileField("File", [FileRequired("Choose the filled-in template, or a CSV file.")])


@bp.route("/cards/import", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def batch() -> ResponseReturnValue:
    """Upload a file; what each row would do is shown before anything is done."""
    form = CardsForm() if request.method == "POST" else CardsForm(formdata=None)
    if form.validate_on_submit():
        answer = batches.taken(form, BatchKind.TOKENS, None)
        if answer is not None:
            return answer
    return page(
        "tokens/import.html",
        "tokens/_import.html",
        422 if request.method == "POST" else 200,
        form=form,
        recent=batches.recent(BatchKind.TOKENS),
        **batches.about(),
    )


@bp.get("/cards/import/template.xlsx")
@access.require(Right.STATIONS, read=True)
def template() -> ResponseReturnValue:
    """The template for cards."""
    return batches.template_answer(BatchKind.TOKENS, "Cards", token_batches.HELP, "card import template.xlsx")
