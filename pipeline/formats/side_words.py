"""The words and numbers of pictures' names, and which of them mean a side."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from pipeline.formats.degrees import AZIMUTHS

WORDS = {
    "front": (
        "front frontal vorn vorne vorder devant avant frente fronte davanti voor voorkant спереди"
        " перед przod zepredu predni framsida forside 正面 前面 前 앞 앞면 정면"
    ),
    "left": (
        "left links linke linker gauche izquierda izquierdo sinistra sinistro esquerda слева левая"
        " lewa lewy lewo zleva levy vanster venstre 左侧 左側 左面 左 왼쪽 좌측"
    ),
    "back": (
        "back rear behind hinten hinter rueck ruck arriere derriere detras atras trasera trasero"
        " dietro retro achter achterkant tras costas сзади зад tyl zezadu zadni baksida bagside"
        " 背面 后面 後面 背 后 後 뒤 뒷면 후면"
    ),
    "right": (
        "right rechts rechte rechter droite derecha derecho destra destro direita справа правая"
        " prawa prawy prawo zprava pravy hoger hojre 右侧 右側 右面 右 오른쪽 우측"
    ),
    "top": "top above oben dessus arriba sopra boven сверху 上面 顶部",
    "bottom": "bottom below underside unten unter dessous abajo sotto onder снизу 底面 底部",
}
SIDES = {word: side for side, words in WORDS.items() for word in words.split()}
# may follow a side, or stand between two
VIEW = frozenset(["view", "views", "side", "ansicht", "seite", "vue", "vista"])
# mean a side only beside the surely French ones: a face may be what the pictures show
FRENCH = frozenset(["gauche", "droite", "arriere", "dos", "vue"])
IN_FRENCH = {"face": "front", "dos": "back", "droit": "right"}
# pictures that say something about a view and are none
MAPS = frozenset(["mask", "masks", "matte", "alpha", "normal", "normals", "depth", "segmentation"])
_BARRED = str.maketrans("łøŁØ", "loLO")  # letters that no accent parts
LETTERS = {side[0]: side for side in ("front", "left", "back", "right")}
# Chinese and Japanese put no blank before them; the longer ones come first
_SIDE = "|".join(
    sorted((word for word in SIDES if "\u3400" < word[0] < "\ua000"), key=len, reverse=True)
)
_WORD = re.compile(
    r"(?<![^\s_(\[])-?\d{1,3}\.\d{1,2}(?![^\s_)\]a-z])|(?<![^\s_(\[])-\d{1,3}(?!\d)|[0-9]+"
    rf"|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|{_SIDE}|(?:(?!{_SIDE})[^\W\d_a-zA-Z])+"
)


def words_of(name: str) -> list[str]:
    """The words and numbers of a file's name, accents left out: chairFront-01.png → chair, front,
    01. A number below zero, which stands apart, is what it is around the circle: -90 → 270."""
    stem = PurePosixPath(name).stem.replace("°", "deg").replace("ß", "ss").translate(_BARRED)
    plain = _without_accents(stem)
    found = (_around(part) for part in _WORD.findall(plain))
    return [half for part in found for half in _halves(part.lower())]


def _without_accents(text: str) -> str:
    bare = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", "".join(bare))  # Hangul is whole again


def of_a_set(names: Sequence[str]) -> dict[str, list[str]]:
    """The words of each of NAMES, which are pictures of one object and explain each other: az-45
    beside az0 is below zero, face beside gauche is French, F beside L and B is a side."""
    joined = "|".join(sorted(AZIMUTHS))
    below = re.compile(rf"((?:{joined}))-(?=\d)", re.I)
    signed = any(re.search(rf"(?:{joined})\d", name, re.I) for name in names)
    words = {name: words_of(below.sub(r"\1_-", name) if signed else name) for name in names}
    if any(FRENCH & {*own} for own in words.values()):
        words = {name: [IN_FRENCH.get(word, word) for word in own] for name, own in words.items()}
    return spelled(words)


def spelled(words: dict[str, list[str]]) -> dict[str, list[str]]:
    """Names of a set, in which one letter for each side (chair_F, chair_L) is that side's word."""
    letters = {name: [word for word in own if word in LETTERS] for name, own in words.items()}
    said = [found[0] for found in letters.values() if len(found) == 1]
    if len(said) < max(len(words), 2) or len({*said}) < len(said) or "f" not in said:
        return words
    return {name: [LETTERS.get(word, word) for word in own] for name, own in words.items()}


def _around(part: str) -> str:
    if not part.startswith("-"):
        return part
    return f"{-float(part[1:]) % 360:g}"


def _halves(word: str) -> list[str]:
    """frontview → front, view; frontleft → front, left."""
    for side in () if word in SIDES else SIDES:
        rest = word.removeprefix(side)
        if rest != word and (rest in VIEW or rest in SIDES):
            return [side, rest]
    return [word]
