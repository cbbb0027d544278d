"""What forms share: the list of countries, a day that can be meant, and a refusal told at its fields."""

from flask_wtf import FlaskForm
from wtforms import Field, Form
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from domain import stations
from domain.errors import DomainError


def countries() -> list[SelectChoice]:
    """Every country by name."""
    return [SelectChoice(*each) for each in sorted(stations.countries().items(), key=lambda item: item[1])]


def is_near(_form: Form, field: Field) -> None:
    """A year that time zones cannot be counted in is a slip of the finger."""
    year = field.data[:4] if isinstance(field.data, str) else f"{field.data.year:04}" if field.data else ""
    if year and not "2000" <= year < "2100":
        raise ValidationError("Choose a day from 2000 to 2099.")


def tell(form: FlaskForm, refusal: DomainError) -> None:
    """Each sentence stands at its field; what belongs to none, above the form."""
    for name, sentence in refusal.errors:
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        elif sentence not in form.form_errors:
            form.form_errors.append(sentence)
    if not refusal.errors:
        form.form_errors.append(str(refusal))
