"""``inbox3d board``: a sheet of markers that gives photographs their size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli import UNUSABLE, fail
from pipeline.formats import boards

SAYS = (
    "Print at 100 %. This line is 100 mm long; if it is not, say in",
    f"job.toml how long a black square's edge is, in mm: marker_edge = {boards.EDGE:g}",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--paper",
    type=click.Choice(list(boards.BOARDS)),
    default="a4",
    show_default=True,
    help="Sheet.",
)
def board(file: Path, paper: str) -> int:
    """Write a sheet of markers to FILE (.pdf or .png), to be laid beside what is photographed.

    A scan of photographs that show some of it has its true size.

    \b
    Example:
      inbox3d board board.pdf --paper a4
    """
    if file.suffix.lower() not in (".pdf", ".png"):
        fail(f"{file} is neither .pdf nor .png.", UNUSABLE, "Give the file one of these endings.")
    dots_an_inch = boards.DOTS * 25.4
    sheet = drawn(boards.BOARDS[paper])
    if file.suffix.lower() == ".pdf":
        sheet.save(file, resolution=dots_an_inch)
    else:
        sheet.save(file, dpi=(dots_an_inch, dots_an_inch))
    click.echo(f"{file}: {paper.upper()}, black squares of {boards.EDGE:g} mm. Print it at 100 %.")
    return 0


def drawn(sheet: boards.Board) -> Any:
    """The sheet as a picture of black and white, DOTS a mm (library: OpenCV for the markers)."""
    import cv2
    from PIL import Image, ImageDraw, ImageFont

    dots = boards.DOTS
    picture = Image.new("L", (round(sheet.width * dots), round(sheet.height * dots)), 255)
    family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    left = (sheet.width - (sheet.columns - 1) * boards.PITCH - boards.EDGE) / 2
    top = (sheet.height - (sheet.rows - 1) * boards.PITCH - boards.EDGE) / 2
    for number, x, y in sheet.markers():
        marker = cv2.aruco.generateImageMarker(family, number, int(boards.EDGE * dots))
        picture.paste(Image.fromarray(marker), (round((left + x) * dots), round((top + y) * dots)))
    draw = ImageDraw.Draw(picture)
    end = top + (sheet.rows - 1) * boards.PITCH + boards.EDGE + 8
    draw.rectangle(
        [left * dots, end * dots, (left + boards.RULER) * dots, (end + 0.4) * dots], fill=0
    )
    font = ImageFont.load_default(size=3 * dots)
    for line, text in enumerate(SAYS):
        draw.text((left * dots, (end + 1.5 + 4 * line) * dots), text, 0, font)
    return picture.convert("1")
