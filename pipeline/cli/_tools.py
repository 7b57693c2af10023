"""What an assistant may do with a running inbox3d."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from layout import names
from pipeline.cli._rest import Rest, segment

LONGEST, BETWEEN = 600, 1.0  # seconds of one wait, and between two looks
MOST_LEFT = 20  # names of what was left out that are told


class Tools:
    """What an assistant may do. Each docstring is what it reads of the tool."""

    def __init__(self, rest: Rest, folder: Path) -> None:
        self.rest, self.folder = rest, folder

    def submit(
        self,
        path: Annotated[str | None, "a file or folder to send"] = None,
        prompt: Annotated[str | None, "or a sentence that says what to make"] = None,
        name: Annotated[str | None, "what the object is called"] = None,
        options: Annotated[
            Mapping[str, Any] | None, "of the job, e.g. {output_format: stl, urgent: true}"
        ] = None,
    ) -> dict[str, Any]:
        """Send scan passes, a mesh or images (path), or a sentence (prompt).
        Answers with job_id; not_sent names what was left out, and why."""
        if (path is None) == (prompt is None):
            raise ValueError("Name path or prompt, one of the two.")
        said = dict(options or {})
        if prompt is not None:
            if name is not None:
                raise ValueError("A prompt's job is called after its words; leave name out.")
            found = self.rest.post("/3d/generate", {**said, "prompt": prompt})
        else:
            files, left = _files(self._inside(str(path)))
            fields = {key: _field(value) for key, value in said.items()}
            fields |= {"name": name} if name else {}
            found = self.rest.send("/3d/from-scan", files, fields)
            return dict(found) | ({"not_sent": left} if left else {})
        return dict(found)

    def status(self, job_id: str) -> dict[str, Any]:
        """How a job stands: state, message, progress, seconds left, place in the queue, remedy."""
        return _short(self.rest.get(f"/3d/jobs/{segment(job_id)}"))

    def jobs(
        self,
        state: Annotated[str | None, "queued … completed, failed, or active"] = None,
        kind: Literal["scan", "images", "prompt", "convert"] | None = None,
        q: Annotated[str | None, "words of the name or id"] = None,
        page_size: int = 20,
        page_token: Annotated[str | None, "next_page_token of the page before"] = None,
    ) -> dict[str, Any]:
        """Jobs, newest first."""
        found = self.rest.get(
            "/3d/jobs", state=state, kind=kind, q=q, page_size=page_size, page_token=page_token
        )
        jobs = [_short(job) for job in found["jobs"]]
        return {"jobs": jobs, "next_page_token": found["next_page_token"]}

    def fetch(
        self,
        job_id: str,
        format: Annotated[str | None, "of those that were asked for; default: the first"] = None,
        to: Annotated[str | None, "a folder; default: where files are sent from"] = None,
    ) -> dict[str, Any]:
        """Save a finished job's model to a file; answers with its path and size."""
        target = self._inside(to or ".")
        said = f"?format={segment(format)}" if format else ""
        path, size = self.rest.save(f"/3d/download/{segment(job_id)}{said}", target)
        return {"path": str(path), "bytes": size}

    def wait(
        self, job_id: str, seconds: Annotated[float, "at the most, 600"] = 60
    ) -> dict[str, Any]:
        """Wait until a job has ended, or for so many seconds; answers like status."""
        deadline = time.monotonic() + min(seconds, LONGEST)
        while True:
            found = self.status(job_id)
            if found["state"] in ("completed", "failed") or time.monotonic() >= deadline:
                return found
            time.sleep(BETWEEN)

    def _inside(self, path: str) -> Path:
        found = (self.folder / Path(path).expanduser()).resolve()
        if not found.is_relative_to(self.folder):
            raise ValueError(f"{path} is not below {self.folder}, where files may be used.")
        if not found.exists():
            raise ValueError(f"There is no {found}.")
        return found


def _files(path: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """([(name, file)] of what is sent, what is left out and why). Links are not followed."""
    if path.is_file():
        return [(path.name, path)], []
    files, left = [], []
    for one in sorted(path.rglob("*")):
        below = one.relative_to(path).as_posix()
        if one.is_symlink():
            left.append(f"{below}: a link")
        elif one.is_dir():
            continue
        elif not one.is_file():
            left.append(f"{below}: no regular file")
        elif names.left_out(below):
            left.append(f"{below}: by its name no scan, picture or mesh, or an unfinished copy")
        else:
            files.append((f"{path.name}/{below}", one))
    more = [f"and {len(left) - MOST_LEFT} more"] if len(left) > MOST_LEFT else []
    if not files:
        why = f" but {'; '.join(left[:MOST_LEFT] + more)}" if left else ""
        raise ValueError(f"{path} holds no files{why}.")
    return files, left[:MOST_LEFT] + more


SHOWN = ("job_id", "name", "state", "message", "remedy", "progress", "left", "position")


def _short(job: Mapping[str, Any]) -> dict[str, Any]:
    return {key: job[key] for key in (*SHOWN, "starts_in", "urgent", "asset_path", "kind")}


def _field(value: Any) -> str:
    """An option as a form's field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
