"""The pages that code has a part in say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from layout import tree
from pipeline.jobs.common import FORMATS
from tests.support.texts import sentences
from tools import constraints, pages, third_party
from tools.installed import closure

ROOT = pages.ROOT
WRITTEN = {path.relative_to(ROOT).as_posix(): text for path, text in pages.written().items()}
LINKED = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_written_from_the_code_is_up_to_date(name: str) -> None:
    """`make docs` would change nothing."""
    assert WRITTEN[name] == (ROOT / name).read_text(), "run `make docs`"


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    """Relative links name files or folders that are there."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_readme_is_short() -> None:
    """A newcomer reads it in one go."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_the_third_party_list_names_every_pinned_distribution() -> None:
    """Nothing is listed that is not pinned, nothing is pinned that is not listed, and every row says why."""
    rows = third_party.stated()
    assert {name: row.version for name, row in rows.items()} == constraints.read()
    assert [name for name, row in rows.items() if not (row.licence and row.why)] == []


def test_the_third_party_list_states_licences_as_the_metadata_does() -> None:
    """The licence of every installed distribution is the one its own metadata states."""
    installed = {
        name: row
        for name, row in third_party.stated().items()
        if constraints.installed(name) == row.version
    }
    assert len(installed) > 20
    assert {name: third_party.licence(name) for name in installed} == {
        name: row.licence for name, row in installed.items()
    }


def test_every_direct_dependency_has_a_reason_of_its_own() -> None:
    """What pyproject.toml asks for says why it is there, not only who needs it."""
    direct = {
        name
        for name, needed in closure().items()
        if any(asker.startswith("inbox3d") for asker in needed.by)
    }
    assert direct - set(third_party.WHY) == set()
    assert direct - set(constraints.read()) == set()


def test_the_ways_to_extend_name_files_that_are_there() -> None:
    """A scan format, an option, a page, a queue: every path of docs/extending.md leads somewhere."""
    text = (ROOT / "docs/extending.md").read_text()
    ways = {
        title: re.findall(
            r"`((?:pipeline|webapi|tests|docs|layout)/[\w./-]+|pyproject\.toml)`", body
        )
        for title, body in re.findall(r"^## A new (.+)\n((?:(?!^## ).*\n)+)", text, re.MULTILINE)
    }
    assert ways.keys() == {"scan format", "option", "page", "queue"}
    assert min(map(len, ways.values())) > 3
    named = [path for paths in ways.values() for path in paths]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_results_page_names_every_file_of_a_finished_job() -> None:
    """What stages write below output/, every format that can be asked for, and what stands beside output/."""
    text = (ROOT / "docs/results.md").read_text()
    written = {
        re.sub(r"\{.*?\}", "", name)
        for file in (ROOT / "pipeline/stages").rglob("*.py")
        for name in re.findall(r'output\(f?"([^"]+)"\)', file.read_text())
    } | {f"model.{suffix}" for suffix in FORMATS}
    assert len(written) > 12
    assert [name for name in sorted(written) if f"`output/{name}" not in text] == []
    beside = (tree.JOB, tree.LOG, f"{tree.INPUT}/", f"{tree.EARLIER}/", tree.ERROR_TEXT, tree.ERROR)
    assert [name for name in beside if f"`{name}" not in text] == []


def test_every_warning_that_the_results_page_explains_is_one_that_is_said() -> None:
    """What is set off in its table stands in a text of a stage or backend."""
    page = (ROOT / "docs/results.md").read_text()
    table = page[page.index("## What the warnings mean") : page.index("## Another format")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    phrases = [phrase for row in rows for phrase in re.findall(r"\*([^*]+)\*", row)]
    said = "\n".join(
        words
        for package in ("stages", "backends", "geometry")
        for file in (ROOT / "pipeline" / package).rglob("*.py")
        for words in sentences(file)
    ).lower()
    assert len(phrases) > 20
    assert [phrase for phrase in phrases if phrase.lower() not in said] == []


def test_the_glossary_explains_every_word_of_the_list() -> None:
    """CONTRIBUTING's one word per idea."""
    listed = (ROOT / "CONTRIBUTING.md").read_text()
    listed = listed[listed.index("## One word per idea") : listed.index("The verbs are those")]
    words = [word.split("(")[0].strip(" .\n") for word in listed.partition("\n\n")[2].split("·")]
    glossary = (ROOT / "docs/glossary.md").read_text()
    assert len(words) > 12
    assert [word for word in words if f"| {word} |" not in glossary] == []
