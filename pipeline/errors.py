"""Errors, named by who must act. The class docstring is the default message; every message has a
remedy.

A remedy is the action alone. Where the job is then run again depends on who reads it, and is said
where it is shown: error.txt speaks of the folder, a page of its buttons, a command of itself.

InputRejected       the submitter: the drop itself must change. Never retried by the pipeline.
HostFault           this host: its scratch is full or cannot be written. It stops claiming;
released, not counted, no job is blamed.
BackendUnavailable  the operator: something this worker needs is missing. Noted, released, not
counted.
StageFailed         the pipeline could not do it: the job goes to failed/ at once.
LineFault           the disk or the share: the worker pauses and tries the same edge again; no job
is blamed.
"""

from __future__ import annotations

from layout.disk import LineFault

__all__ = [
    "BackendUnavailable",
    "Cancelled",
    "ColourMissing",
    "EngineDied",
    "FormatUnavailable",
    "HostFault",
    "InputRejected",
    "LineFault",
    "MemoryExceeded",
    "MeshEmpty",
    "NoOverlap",
    "OutOfGpuMemory",
    "PipelineError",
    "ReadBackFailed",
    "StageFailed",
    "SubmitRefused",
    "TimeExceeded",
    "ViewsMissing",
]


class PipelineError(Exception):
    """Something went wrong."""

    who = "pipeline"
    remedy = (
        "Read the end of the job's log: it tells what failed and where. Try other options; if they"
        " fail too, report it with that log."
    )

    def __init__(
        self,
        message: str | None = None,
        *,
        remedy: str | None = None,
        stage: str | None = None,
        leg: str | None = None,
    ) -> None:
        """STAGE and LEG: where it happened, as far as it is known."""
        self.stage, self.leg = stage, leg
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.remedy = remedy or type(self).remedy
        super().__init__(self.message)


class InputRejected(PipelineError):
    """The drop cannot be used as it is."""

    who = "submitter"
    remedy = "Correct the files."


class NoOverlap(InputRejected):
    """No two passes could be matched."""

    remedy = (
        "Scan again so that neighbouring passes share at least a third of their surface, or drop"
        " the passes that belong together."
    )


class ViewsMissing(InputRejected):
    """The views that this backend needs are not all there."""

    remedy = "Give the views that are missing, each named after its azimuth, or set backend=auto."


class SubmitRefused(PipelineError):
    """The request was refused before anything was submitted."""

    who = "submitter"
    remedy = "Correct the option that is named and submit again."


class BackendUnavailable(PipelineError):
    """This worker lacks something that the job needs."""

    who = "operator"
    remedy = "Run `inbox3d doctor` on the compute host; it names what to install."


class HostFault(PipelineError):
    """This host cannot work at present."""

    who = "operator"
    remedy = (
        "Free space in that folder, or set [host] scratch in that host's host.toml to a larger"
        " disk; work resumes by itself."
    )

    def __init__(
        self, message: str | None = None, *, remedy: str | None = None, number: int | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.number = number  # the errno, where it is known


class FormatUnavailable(BackendUnavailable):
    """No live worker can write this format."""


class StageFailed(PipelineError):
    """A stage could not finish its work."""


class MeshEmpty(StageFailed):
    """The surface came out empty."""

    remedy = "Check that the passes show one solid surface; for a scan set surface=closed."


class ColourMissing(StageFailed):
    """There is nothing to take colours from."""

    remedy = "Drop passes, a mesh or pictures that have colours."


class ReadBackFailed(StageFailed):
    """A written file did not read back as it was written."""

    remedy = (
        "Run it without that file's format (output_format), and report it with the job's log; if"
        " it is model.glb, check the disk of [host] scratch on that worker's host."
    )


class OutOfGpuMemory(StageFailed):
    """The GPU ran out of memory."""

    remedy = "Ask for quality_tier=standard, or give the job to a GPU with more memory."


class EngineDied(StageFailed):
    """The engine died while it worked on this job."""

    remedy = (
        "See on that worker's host whether memory ran out (`journalctl -k`): then drop less at"
        " once, or let fewer workers run there. Else report it with the job's log, which ends where"
        " the engine died."
    )


class TimeExceeded(EngineDied):
    """A stage took longer than its deadline."""

    remedy = (
        "Drop less at once or ask for quality_tier=standard, or raise [worker] deadline, in"
        " seconds for all hosts, in .pipeline/config/inbox3d.toml on Atlas."
    )


class MemoryExceeded(EngineDied):
    """A stage needed more memory than the worker may use."""

    remedy = (
        "Drop less at once or ask for quality_tier=standard, or give workers more memory: that"
        " host's in [[host.workers]] memory_gb of its host.toml, all hosts' in [worker] memory_gb"
        " of .pipeline/config/inbox3d.toml on Atlas."
    )


class Cancelled(PipelineError):
    """Cancelled by a person."""

    who = "submitter"
    remedy = "Nothing, unless it was a mistake."
