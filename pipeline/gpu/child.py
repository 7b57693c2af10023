"""The engine's side of the pipe: runs the stages of one leg at a time and says how it goes, one JSON object a line.

Two ways to run a leg. Isolated: a forked, confined grandchild that ends with the leg (scan, prepare and finish parse strangers'
files with native code). Hot: in this process, so that models stay on the GPU from job to job (views, mesh).

In:   {"leg": […stages], "request": {…}, "root": …, "input": …, "models": …, "memory": bytes, "isolated": true, "network": false}
Out:  {"stage": name} · {"progress": [fraction, message]} · {"ended": [stage, seconds, peak RSS]} · {"done": true}
      {"failed": {error, who, message, remedy, stage, kind}} · {"died": "signal 11 (SIGSEGV)"}
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import bag, blame, declared, jobs, recipes
from pipeline.errors import BackendUnavailable, HostFault, InputRejected, PipelineError, StageFailed
from pipeline.gpu import sandbox
from pipeline.queues import QUEUES
from pipeline.workspace import StageWorkspace

LOG = "log.txt"


def main() -> None:
    """Serve legs until the parent closes the pipe. Arguments: read handle, write handle, queues."""
    sandbox.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    reader = os.fdopen(int(sys.argv[1]), "r")
    writer = int(sys.argv[2])
    _preload(sys.argv[3].split(","))
    _say(writer, ready=True)
    for line in reader:
        order = json.loads(line)
        if order.get("isolated", True):
            _in_grandchild(order, writer)
        else:
            _run(order, writer)


def _preload(queues: list[str]) -> None:
    """Import what the isolated legs need once, so that each fork has it; a missing one is named when a stage asks for it."""
    import importlib

    for name in dict.fromkeys(name for queue in queues for name in (QUEUES[queue].preload if queue in QUEUES else ())):
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module(name)


def _say(writer: int, **message: Any) -> None:
    os.write(writer, (json.dumps(message) + "\n").encode())


def _in_grandchild(order: dict[str, Any], writer: int) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sandbox.die_with_parent()
            code = _confined(order, writer)
        finally:
            os._exit(code)
    _say(writer, pid=pid)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        _say(writer, died=f"signal {number} ({signal.Signals(number).name})")
    elif os.WEXITSTATUS(status):
        _say(writer, died=f"exit status {os.WEXITSTATUS(status)}")


def _confined(order: dict[str, Any], writer: int) -> int:
    root = Path(order["root"])
    temporary = root / "tmp"
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        _say(writer, failed=describe(error, "", order))
        return 0
    os.environ.update(TMPDIR=str(temporary), HOME=str(temporary))
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sandbox.limit(int(order["memory"]))
    readable = [Path(order["input"]), *([Path(order["models"])] if order.get("models") else [])]
    sandbox.confine(readable, [root], network=bool(order.get("network")))
    _run(order, writer)
    return 0


def _run(order: dict[str, Any], writer: int) -> None:
    """Run the leg's stages that are not in the bag yet."""
    stage = ""
    try:
        root = Path(order["root"])
        options = jobs.parse(order["request"])
        ws = StageWorkspace(
            root, Path(order["input"]), Path(order["models"]) if order.get("models") else None, options=options,
            say=lambda fraction, message: _say(writer, progress=[round(fraction, 4), message]),
            warnings=bag.load_warnings(root),
            assist=tuple(order["assist"]) if order.get("assist") else None,
            lan=tuple(order.get("lan", ())),
        )  # fmt: skip
        kept = bag.load(root)
        done = {one.stage for one in kept}
        for stage in order["leg"]:
            if stage in done:
                continue
            _say(writer, stage=stage)
            began = time.monotonic()
            own = replace(ws, options=declared.options_for(stage, options))
            artefact = recipes.call(recipes.stage_function(stage), [one.artefact for one in kept], own)
            bag.save_warnings(root, ws.warnings)
            bag.save(root, stage, artefact)
            if blame.is_full(root):  # what a library wrote last may be cut off without a word
                raise blame.full(root)
            kept.append(bag.Kept(stage, artefact))
            _say(writer, ended=[stage, round(time.monotonic() - began, 3), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024])
        _say(writer, done=True)
    except BaseException as error:
        if getattr(error, "who", "pipeline") == "pipeline":  # a drop or a host that must change needs no look into the code
            with contextlib.suppress(OSError):  # the log lies in scratch, which may be full
                traceback.print_exc()
                sys.stderr.flush()
        _say(writer, failed=describe(error, stage, order))


def describe(error: BaseException, stage: str, order: dict[str, Any]) -> dict[str, Any]:
    """What the parent needs to choose an edge; an unforeseen exception is a failed stage, named by its class."""
    grounds = blame.Grounds(Path(order["root"]), Path(order["models"]) if order.get("models") else None)
    blamed = blame.of(error, grounds)
    assert isinstance(blamed, PipelineError)  # no stage sees Atlas
    kind = next(k.__name__ for k in (InputRejected, BackendUnavailable, HostFault, StageFailed, PipelineError) if isinstance(blamed, k))
    return {
        "error": type(blamed).__name__,
        "kind": kind,
        "who": blamed.who,
        "message": blamed.message,
        "remedy": blamed.remedy,
        "stage": stage,
        **({"number": blamed.number} if isinstance(blamed, HostFault) else {}),
    }


if __name__ == "__main__":
    main()
