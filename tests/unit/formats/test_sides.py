"""What pictures' names say about the side that they show."""

from __future__ import annotations

import pytest

from pipeline.formats.sides import all_say, seen


def azimuths(*names: str) -> list[float]:
    found = seen([f"{name}.png" for name in names])
    assert not found.guess
    return [found.azimuths[f"{name}.png"] for name in names if f"{name}.png" in found.azimuths]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("front left back right", [0, 90, 180, 270]),
        ("chair_front chair_left chair_back chair_right", [0, 90, 180, 270]),
        ("chairFront chairFrontLeft chairLeft", [0, 45, 90]),
        ("frontview backside left-01 IMG_right", [0, 180, 90, 270]),
        ("front_left back-left backright front_right", [45, 135, 225, 315]),
        ("vorne links Rückseite rechts", [0, 90, 180, 270]),
        ("Vorderansicht LinkeSeite", [0, 90]),
        ("devant gauche arrière droite", [0, 90, 180, 270]),
        ("frente izquierda atrás derecha", [0, 90, 180, 270]),
        ("left_shoe_front left_shoe_back left_shoe_left", [0, 180, 90]),
        ("table_top_front table_top_back", [0, 180]),
        ("0 90 180 270", [0, 90, 180, 270]),
        ("000 045 315", [0, 45, 315]),
        ("view_0 view_120 view_240", [0, 120, 240]),
        ("chair_000 chair_090", [0, 90]),
        ("45deg 90deg 0°", [45, 90, 0]),
        ("azimuth_45 azimuth_30", [45, 30]),
        ("front 045 left", [0, 45, 90]),
        ("360 090", [0, 90]),
        ("0 90 180 -90", [0, 90, 180, 270]),
        ("chair_0 chair_90 chair_180 chair_-90", [0, 90, 180, 270]),
        ("0.0 22.5 337.5", [0, 22.5, 337.5]),
        ("B F L R", [180, 0, 90, 270]),
        ("chair_b chair_f chair_l chair_r", [180, 0, 90, 270]),
        ("v1.2_front v1.2_back", [0, 180]),
        ("fronte sinistra retro destra", [0, 90, 180, 270]),
        ("voor links achter rechts", [0, 90, 180, 270]),
        ("спереди слева сзади справа", [0, 90, 180, 270]),
        ("椅子正面 椅子左侧 椅子背面 椅子右侧", [0, 90, 180, 270]),
        ("앞면 좌측 뒷면 우측", [0, 90, 180, 270]),
        ("przód lewa tył prawa", [0, 90, 180, 270]),
        ("zepředu zleva zezadu zprava", [0, 90, 180, 270]),
        ("frente esquerda costas direita", [0, 90, 180, 270]),
        ("face profil_gauche dos profil_droit", [0, 90, 180, 270]),
        ("face_left face_right face_front", [90, 270, 0]),
        ("mask_front mask_left mask_back", [0, 90, 180]),
        ("0000 0045 0315", [0, 45, 315]),
        ("img_00000 img_00090 img_00180", [0, 90, 180]),
        ("v_0 v_40 v_80 v_120 v_160 v_200 v_240 v_280 v_320", [*range(0, 360, 40)]),
        ("0 72 144 216 288", [*range(0, 360, 72)]),
        ("az-45 az0 az45", [315, 0, 45]),
        ("yaw-45 yaw-90", [45, 90]),
        ("front three_quarter_left 3-4_right", [0, 45, 315]),
    ],
)
def test_words_and_degrees_say_sides(names: str, expected: list[float]) -> None:
    assert azimuths(*names.split()) == expected
    assert all_say([f"{name}.png" for name in names.split()])


@pytest.mark.parametrize(
    "names",
    [
        "a b c d",
        "01 02 03 04",
        "0 10 20 30",
        "f_000 f_036 f_072 f_108",
        "001 002 003 004",
        "IMG_0010 IMG_0020 IMG_0030 IMG_0040",
        "1 2 3 4",
    ],
)
def test_names_without_sides_are_evenly_spaced_and_that_is_said_to_be_a_guess(names: str) -> None:
    found = seen(names.split())
    assert list(found.azimuths.values()) == [0, 90, 180, 270]
    assert "evenly spaced" in str(found.guess)
    assert not all_say(names.split())


def test_a_step_that_is_missing_is_said() -> None:
    assert "leave out 3:" in str(seen(["view1", "view2", "view4"]).guess)


def test_of_two_pictures_without_sides_nothing_is_guessed() -> None:
    assert seen(["IMG_1.png", "IMG_2.png"]).azimuths == {}


@pytest.mark.parametrize(
    ("name", "azimuth"),
    [
        ("holiday.jpg", 0),
        ("left.png", 90),
        ("IMG_0045.jpg", 0),
        ("090.png", 90),
        ("tank top.jpg", 0),
    ],
)
def test_a_lone_picture_is_the_front_unless_it_says_otherwise(name: str, azimuth: float) -> None:
    assert seen([name]).azimuths == {name: azimuth}


@pytest.mark.parametrize(
    ("names", "unused", "why"),
    [
        ("front left extra", "extra", "says no side"),
        ("front left top", "top", "from the top"),
        ("front side back", "side", "not which one"),
        ("front.png front.jpg left", "front.jpg", "front.png shows the same side"),
        ("front front_left_right", "front_left_right", "at once"),
        ("0 90 360", "360", "0 shows the same side"),
        ("front_detail front left", "front_detail", "front shows the same side"),
        ("front_mask front left", "front_mask", "its name says mask"),
        ("front_normal front_color left", "front_normal", "its name says normal"),
        ("3_4_front front left", "3_4_front", "three quarters"),
    ],
)
def test_what_is_not_used_is_named_with_the_reason(names: str, unused: str, why: str) -> None:
    found = seen(names.split())
    assert list(found.unused) == [unused]
    assert why in found.unused[unused]


def test_a_name_may_say_how_far_above_the_camera_stood() -> None:
    assert seen(["az000_el20.png", "az090_el20.png"]).elevations == {
        "az000_el20.png": 20,
        "az090_el20.png": 20,
    }
