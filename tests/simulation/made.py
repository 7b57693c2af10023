"""Whether a result is what was dropped and asked for."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from layout import names, tree
from layout.manifest import JobFile
from pipeline import jobs
from tests.simulation import stages
from tests.simulation.people import People
from tests.simulation.world import Broken, File, World

BLURRED = 45.0  # seconds after which no old listing is shown any more


class Made:
    """Knows when each job was accepted, started and compared, and judges its result."""

    def __init__(self, world: World, people: People, begun: dict[str, float]) -> None:
        self.world, self.people = world, people
        self.accepted: dict[str, tuple[float, float]] = {}  # id → while it was being accepted
        self.begun = begun  # id → when it was last started
        # id → when input/ was last compared with what the result is made of: from, until
        self.compared: dict[str, tuple[float, float]] = {}

    def judge(self, folder: Path, job: JobFile) -> None:
        """The result in FOLDER is of what JOB lists, and that is what was dropped and asked."""
        output, (text, files) = folder / tree.OUTPUT, stages.expected(job)
        made = {path.name for path in output.iterdir() if path.name != tree.CHECKSUMS}
        told = (output / "model.glb").read_text() if "model.glb" in made else ""
        if (told, made) != (text, files):
            raise Broken(
                "the result is of the input and options that job.json lists:"
                f" {folder.name} has {made} {told}, asked for {files} {text}"
            )
        self._of_the_drop(folder, job)

    def blurred(self, at: float) -> bool:
        """Did a host still show an old listing, or skip an entry, shortly before AT?"""
        return at - self.world.fate.blurred < BLURRED

    def _of_the_drop(self, folder: Path, job: JobFile) -> None:
        """What job.json lists is what lay in input/ when it was last compared with the result."""
        inside = folder / tree.INPUT
        entries = [name for name in os.listdir(inside) if not names.ignored(name)]
        root = (
            inside / entries[0] if len(entries) == 1 and (inside / entries[0]).is_dir() else inside
        )
        listed = {row.path: row.sha256 for row in job.manifest}
        begun = self.begun.get(job.id, 0.0)
        at = self.compared.get(job.id, (begun, begun))
        if self.blurred(at[0]) or at[0] < begun:
            at = (begun, begun)
        wished = job.id in self.people.wishes
        for name in os.listdir(root):
            known = self.world.files.get((root / name).lstat().st_ino)
            if known is None or names.ignored(name):
                continue
            wished = wished or tree.is_job_toml(name)
            if at[0] == at[1] and known.versions[-1].at >= begun:
                continue  # a person's hand after the start: nothing more can be told
            if known.versions[0].at < at[0] and listed.get(name) not in _versions(known, *at):
                raise Broken(
                    f"the result is of what was dropped: {folder.name}/{name} is not the file that"
                    f" job.json lists ({listed.get(name)}): {known.versions[-3:]}, compared {at}"
                )
            if tree.is_job_toml(name) and known.versions[-1].at < at[0]:
                self._as_asked(folder, job, (root / name).read_text(), known)
        if not wished and folder.lstat().st_ino not in self.people.harmed:
            self._as_submitted(folder, job)

    def _as_submitted(self, folder: Path, job: JobFile) -> None:
        """No job.toml was ever there: the options are those of the submission, or the defaults."""
        asked = self.people.asked.get(job.id)
        if asked is None and (job.copy_of or job.retry_of or any(map(_mended, job.notes))):
            return
        wanted = jobs.options_of(jobs.parse(asked or {"kind": job.kind}))
        if job.kind == "prompt":  # its words are the file
            wanted["prompt"] = job.options["prompt"]
        if job.options != wanted:
            raise Broken(
                f"the options are those of the submission: {folder.name} has {job.options}, asked"
                f" for {wanted}"
            )

    def _as_asked(self, folder: Path, job: JobFile, text: str, known: File) -> None:
        asked = jobs.options_of(jobs.parse({"kind": job.kind, **tomllib.loads(text)}))
        wrong = {
            key: (value, job.options.get(key))
            for key, value in asked.items()
            if job.options.get(key) != value
        }
        if wrong:
            raise Broken(
                f"the options are those of job.toml: {folder.name} has others (asked, used):"
                f" {wrong}; written at {[each.at for each in known.versions]}"
            )


def _versions(known: File, since: float, until: float) -> set[str]:
    """What KNOWN held at some time between SINCE and UNTIL."""
    before = [each.sha256 for each in known.versions if each.at <= since][-1:]
    return {*before, *(each.sha256 for each in known.versions if since < each.at <= until)}


def _mended(note: str) -> bool:
    return note.startswith("its job.json was damaged or missing")
