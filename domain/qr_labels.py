"""Sheets of QR labels as PDF, to be printed, cut and stuck on chargers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpdf import FPDF

from domain import qr_images

FONT_FILE = Path(__file__).resolve().parents[1] / "static" / "vendor" / "DejaVuSans.ttf"
PIXELS_PER_MODULE = 8
_FONT = "DejaVu"
_MM_PER_POINT = 25.4 / 72


@dataclass(frozen=True, slots=True)
class SheetSize:
    """A paper size with its labels; all lengths in mm. `qr` is the side of the code with its quiet zone."""

    name: str
    paper: tuple[float, float]
    columns: int
    rows: int
    label: tuple[float, float]
    margin: tuple[float, float]
    gap: float
    qr: float
    is_upright: bool = False  # the words stand below the code, not beside it

    @property
    def per_sheet(self) -> int:
        return self.columns * self.rows


SIZES = {
    "a4-3x8": SheetSize("A4, 3 × 8 labels of 70 × 37 mm", (210, 297), 3, 8, (70, 37), (0, 0.5), 0, 33),
    "a4-2x7": SheetSize("A4, 2 × 7 labels of 99.1 × 38.1 mm", (210, 297), 2, 7, (99.1, 38.1), (4.65, 15.1), 2.5, 34),
    "100x150": SheetSize("One label of 100 × 150 mm", (100, 150), 1, 1, (100, 150), (0, 0), 0, 84, is_upright=True),
}


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on one label."""

    code: str
    address: str
    station: str = ""
    charger: str = ""
    connector: str = ""


def sheets(
    labels: Sequence[Label], size: SheetSize, start: int = 1, progress: Callable[[int], None] | None = None
) -> bytes:
    """A PDF with the labels in order, the first at position `start` of the first sheet (from 1, row by row).

    Args:
        progress: called with how many are drawn, now and then.
    """
    pdf = FPDF(unit="mm", format=size.paper)
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_font(_FONT, fname=FONT_FILE)
    pdf.set_title("QR labels")
    for number, label in enumerate(labels):
        place = (start - 1 + number) % size.per_sheet
        if number == 0 or place == 0:
            pdf.add_page()
        column, row = place % size.columns, place // size.columns
        x = size.margin[0] + column * (size.label[0] + size.gap)
        y = size.margin[1] + row * size.label[1]
        _draw(pdf, label, size, x, y)
        if progress and number % 100 == 99:
            progress(number + 1)
    return bytes(pdf.output())


def _draw(pdf: FPDF, label: Label, size: SheetSize, x: float, y: float) -> None:
    image = qr_images.picture(label.address, PIXELS_PER_MODULE)
    if size.is_upright:
        pdf.image(image, x + (size.label[0] - size.qr) / 2, y + 6, size.qr, size.qr)
        _write(pdf, label, x + 8, y + size.qr + 10, size.label[0] - 16, scale=1.7)
    else:
        pdf.image(image, x + 1.5, y + (size.label[1] - size.qr) / 2, size.qr, size.qr)
        _write(pdf, label, x + size.qr + 2.5, y + 6, size.label[0] - size.qr - 4.5, scale=1.0)


def _write(pdf: FPDF, label: Label, x: float, y: float, width: float, scale: float) -> None:
    code = f"{label.code[:4]} {label.code[4:]}"
    lines: Iterable[tuple[str, float, float]] = (
        (code, 14 * max(1.0, scale * 0.8), 2.2),  # large enough to be typed off it
        (label.charger, 9 * scale, 0.6),
        (label.connector, 7 * scale, 0.6),
        (label.station, 6.5 * scale, 0.6),
        (label.address.removeprefix("https://").removeprefix("http://"), 5.5 * scale, 0.0),
    )
    for text, points, gap in lines:
        if not text:
            continue
        fitted = _fitted(pdf, text, points, width)
        height = fitted * _MM_PER_POINT * 1.15
        pdf.set_font(_FONT, size=fitted)
        pdf.set_xy(x, y)
        pdf.cell(width, height, _cut(pdf, text, width))
        y += height + gap * scale


def _fitted(pdf: FPDF, text: str, points: float, width: float) -> float:
    """The size at which the text fits, not below 60 % of what was asked."""
    pdf.set_font(_FONT, size=points)
    needed = pdf.get_string_width(text) + 2 * pdf.c_margin
    return points if needed <= width else max(points * width / needed, points * 0.6)


def _cut(pdf: FPDF, text: str, width: float) -> str:
    room = width - 2 * pdf.c_margin + 0.1
    if pdf.get_string_width(text) <= room:
        return text
    while text and pdf.get_string_width(text + "…") > room:
        text = text[:-1]
    return text + "…"
