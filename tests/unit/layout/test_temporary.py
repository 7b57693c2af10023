"""The list of names that tools give to what they have not finished."""

from __future__ import annotations

import pytest

from layout import names
from layout.temporary import TOOLS, speaks_of, temporary

EXAMPLES = {
    "*": "pass_3.ply", "?": "a", r"^.+\.~[0-9a-z]{4,}": "pass_3.ply.~as9lp8", r"^\.(?!_).+\.[a-z0-9]{6}": ".pass_3.ply.Xy12ab",
    ".*.sw[nop]": ".pass_3.ply.swp",
}  # fmt: skip


def example(pattern: str) -> str:
    return EXAMPLES.get(pattern) or pattern.replace("*", EXAMPLES["*"]).replace("?", EXAMPLES["?"])


@pytest.mark.parametrize(
    "pattern",
    [
        each
        for tool in TOOLS
        for each in (*tool.patterns, *(f"*{ending}" for ending in tool.beside))
    ],
)
def test_every_pattern_of_the_list_holds_in_any_case(pattern: str) -> None:
    for name in (example(pattern), example(pattern).upper()):
        assert temporary(name) and names.ignored(name) and names.ignored(name, folder=True)
        assert not names.harmless(name)


@pytest.mark.parametrize(
    "name",
    ["a.ply", "a.part.ply", "part", "~a.ply", "a~.ply", "a.ply~", "a.st.ply", "first", "a.aria2.ply", "in.a.ply", "a.~1~", "cloud.ply",
     ".DS_Store", "._a.ply", ".nfs0000000001", ".trashed-1-a.ply", "lost+found", "a.sb-1.ply", "Unconfirmed 1234.ply"],
)  # fmt: skip
def test_names_that_only_resemble_them_do_not(name: str) -> None:
    assert not temporary(name)


def test_a_control_file_names_the_file_that_is_unfinished() -> None:
    """The copy itself has its final name; only what lies beside it tells."""
    assert speaks_of("scans/A.ply.ARIA2") == "scans/A.ply"
    assert speaks_of("a.ply.lftp-pget-status") == "a.ply"
    assert speaks_of("a.ply.part") is None


@pytest.mark.parametrize(
    ("path", "out"),
    [("halt/a.ply", False), ("a/STATUS.txt/b.ply", False), ("a/HALT", True), ("halt.txt", True), (".git/a.ply", True),
     (".rsync-partial/a.ply", True), ("a/@eaDir/b.ply", True), ("READY/a.ply", False)],
)  # fmt: skip
def test_a_file_is_left_out_by_its_own_name_or_by_its_folders(path: str, out: bool) -> None:
    """A folder called like one of our own files is a person's."""
    assert names.left_out(path) is out
