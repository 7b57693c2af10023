"""Files are found as people pack them, and never outside the drop."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from pipeline.geometry.readers.companions import Companions

NFD = unicodedata.normalize("NFD", "Büste.png")


def beside(*names: str, base: str = "") -> Companions:
    return Companions([(name, Path("/drop") / name) for name in names], base)


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("tex.png", "tex.png"), ("TEX.PNG", "tex.png"), ("Tex.png", "textures/tEX.pnG"), ("textures/tex.png", "tex.png"),
        ("textures\\tex.png", "tex.png"), ("C:\\Users\\me\\Desktop\\tex.png", "tex.png"), ("/home/me/scan/textures/tex.png", "textures/tex.png"),
        ("./tex.png", "tex.png"), ("../maps/tex.png", "maps/tex.png"), ("my%20tex.png", "my tex.png"), ("50%25.png", "50%25.png"),
        ("50%25.png", "50%.png"), ('"my tex.png"', "my tex.png"), ("Büste.png", NFD), (NFD, "Büste.png"), ("straße.png", "STRASSE.png"),
        ("Büste.png".encode("cp1252"), "Büste.png"), ("Büste.png".encode(), NFD), ("木.png".encode("shift_jis"), "木.png"),
        ("木目.png".encode("gbk"), "木目.png"), ("дерево.png".encode("cp1251"), "дерево.png"),
    ],
)  # fmt: skip
def test_a_reference_finds_its_file(reference: str | bytes, there: str) -> None:
    """Whatever the other system thought of letters and folders; a file of another name does not stand in."""
    assert beside("other.png", there, "readme.txt").find(reference) == there


@pytest.mark.parametrize(
    ("reference", "base", "found"),
    [
        ("tex.png", "", "tex.png"), ("preview/tex.png", "", "preview/tex.png"), ("D:\\old\\preview\\tex.png", "", "preview/tex.png"),
        ("tex.png", "model", "model/tex.png"), ("../tex.png", "model", "tex.png"), ("maps/tex.png", "model", "model/tex.png"),
    ],
)  # fmt: skip
def test_of_two_files_of_one_name_the_one_that_is_meant(
    reference: str, base: str, found: str
) -> None:
    """The longest common path counts, then what is nearest to the mesh."""
    assert beside("preview/tex.png", "tex.png", "model/tex.png", base=base).find(reference) == found


@pytest.mark.parametrize(
    "reference", ["/etc/passwd", "../../etc/passwd", "", ".", "..", "/", "no.png", "tex.png/"]
)
def test_what_is_not_in_the_drop_is_not_found(reference: str) -> None:
    """There is a list of files, and nothing else."""
    found = beside("tex.png").find(reference)
    assert found is None or (reference, found) == ("tex.png/", "tex.png")


def test_a_kind_of_file_may_be_asked_for() -> None:
    """A material library is no picture of its name."""
    assert beside("a.png").find("a.png", (".mtl",)) is None
