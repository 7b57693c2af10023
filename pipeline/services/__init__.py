"""The stages as services for other programs: views, mesh and finish, each one process with one
engine on one device.

A service keeps no state and knows no job: it makes what it is asked for, one request at a time, and
forgets. Its answers lie in scratch, the newest ones only. Jobs do not need it; FLUX_BACKEND_URL
lets a worker ask the views service of another host.
"""

from __future__ import annotations

SERVICES = ("views", "mesh", "finish")
PORTS = {"views": 8001, "mesh": 8002, "finish": 8003}
