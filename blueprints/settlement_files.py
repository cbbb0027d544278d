"""A statement as a download."""

import io

from flask import Response, send_file

from blueprints.database import db
from domain import settlement_papers
from domain.models.settlements import Settlement, SettlementLine
from domain.sheets.writing import XLSX


def answer(settlement: Settlement, kind: str) -> Response:
    """The statement; `kind` is "pdf" or "xlsx"."""
    lines: list[SettlementLine] = settlement.lines
    if kind == "xlsx":
        file, mimetype = settlement_papers.xlsx(settlement, lines), XLSX
    else:
        to = f"{settlement.account_holder}, {settlement.account_ending}" if settlement.account_ending else None
        file, mimetype = io.BytesIO(settlement_papers.pdf(settlement, lines, to)), "application/pdf"
    db.session.commit()
    return send_file(file, mimetype=mimetype, as_attachment=True, download_name=f"{settlement.number}.{kind}")
