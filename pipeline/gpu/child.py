"""The engine's side of the pipe: runs the stages of one leg at a time and says how it goes, one
JSON object a line.

Two ways to run a leg. Isolated: a forked, confined grandchild that ends with the leg (scan, prepare
and finish parse strangers' files with native code). Hot: in this process, so that models stay on
the GPU from job to job (views, mesh).

In:   {"leg": […stages], "before": […those of earlier legs], "request": {…}, "root": …, "input": …,
"models": …, "memory": bytes,
       "isolated": true, "network": false, "assist": …, "lan": […]}
Out:  {"stage": name} · {"progress": [fraction, message]} · {"ended": [stage, seconds, peak RSS]} ·
{"done": true}
      {"failed": {error, who, message, remedy, stage, kind}} · {"died": "signal 11 (SIGSEGV)"}
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from layout import tree
from pipeline import blame, machine
from pipeline.errors import BackendUnavailable, HostFault, InputRejected, PipelineError, StageFailed
from pipeline.gpu import leg, sandbox
from pipeline.gpu.preload import preload
from pipeline.kept.versions import versions


def main() -> None:
    """Serve legs until the parent closes the pipe. Arguments: read handle, write handle, queues."""
    sandbox.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.sched_setaffinity(0, machine.cores())  # what every library counts its threads by
    reader = os.fdopen(int(sys.argv[1]), "r")
    writer = int(sys.argv[2])
    queues = sys.argv[3].split(",")
    preload(queues)
    leg.preload(queues)
    versions()  # looked up once, so that each fork has them
    _say(writer, ready=True)
    for line in reader:
        order = json.loads(line)
        if order.get("isolated", True):
            _in_grandchild(order, writer)
        else:
            leg.forget_peak()
            _run(order, writer)


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
        handle = os.open(root / tree.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        _say(writer, failed=describe(error, "", order))
        return 0
    os.environ.update(TMPDIR=str(temporary), HOME=str(temporary))
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sandbox.limit(int(order["memory"]))
    readable = [Path(order["input"]), *([Path(order["models"])] if order.get("models") else [])]
    sandbox.confine(readable, [root], network=bool(order.get("network")))
    _in_new_thread(order, writer)
    return 0


def _in_new_thread(order: dict[str, Any], writer: int) -> None:
    """OpenMP keeps its threads with the thread that used them first. A leg that ran hot left some
    in this one; the fork has their names and not them, and its first parallel loop would hang or
    die. A new thread has none and begins its own; it is confined as this one is."""
    thread = threading.Thread(target=_run, args=(order, writer))
    thread.start()
    thread.join()


def _run(order: dict[str, Any], writer: int) -> None:
    stage = ""

    def say(**message: Any) -> None:
        nonlocal stage
        stage = message.get("stage", stage)
        _say(writer, **message)

    try:
        leg.run(order, say)
    except BaseException as error:
        # a drop or a host that must change needs no look into the code
        if getattr(error, "who", "pipeline") == "pipeline":
            with contextlib.suppress(OSError):  # the log lies in scratch, which may be full
                traceback.print_exc()
                sys.stderr.flush()
        _say(writer, failed=describe(error, stage, order))


def describe(error: BaseException, stage: str, order: dict[str, Any]) -> dict[str, Any]:
    """What the parent needs to choose an edge; an unforeseen exception is a failed stage, named by
    its class."""
    grounds = blame.Grounds(
        Path(order["root"]), Path(order["models"]) if order.get("models") else None
    )
    blamed = blame.of(error, grounds)
    assert isinstance(blamed, PipelineError)  # no stage sees Atlas
    kind = next(
        k.__name__
        for k in (InputRejected, BackendUnavailable, HostFault, StageFailed, PipelineError)
        if isinstance(blamed, k)
    )
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
