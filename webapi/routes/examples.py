"""A command for every route, as it is typed into a shell. URL and JOB stand for themselves there:
where the service is, and a job's id. The page shows them filled in, the tests run every one."""

from __future__ import annotations

JSON = "-H 'Content-Type: application/json' -d"

EXAMPLES: dict[str, str] = {
    "generate": (
        f"curl $URL/3d/generate {JSON} '"
        '{"prompt": "a red cube", "output_format": "glb"}'
        "' -H 'Idempotency-Key: cube-1'"
    ),
    "from_image": "curl $URL/3d/from-image -F files=@front.png -F files=@back.png -F name=jug",
    "from_scan": (
        "curl $URL/3d/from-scan -F files=@pass1.ply -F files=@pass2.ply -F name=vase -F"
        " output_format=glb,stl"
    ),
    "status": "curl $URL/3d/status/$JOB",
    "jobs": "curl -G $URL/3d/jobs -d state=completed -d sort=name -d page_size=20",
    "job": "curl $URL/3d/jobs/$JOB",
    "cancel": "curl -X POST $URL/3d/jobs/$JOB/cancel",
    "retry": "curl -X POST $URL/3d/jobs/$JOB/retry",
    "again": f'curl $URL/3d/jobs/$JOB/again {JSON} \'{{"faces": 20000, "urgent": true}}\'',
    "export": f'curl $URL/3d/jobs/$JOB/export {JSON} \'{{"output_format": ["stl", "3mf"]}}\'',
    "delete": "curl -X DELETE $URL/3d/jobs/$JOB",
    "many": f'curl $URL/3d/jobs/many {JSON} \'{{"do": "cancel", "jobs": ["\'$JOB\'"]}}\'',
    "cancel_mine": "curl -X POST $URL/3d/jobs/cancel-mine",
    "download_many": 'curl -G -o models.zip -C - "$URL/3d/download?job=$JOB"',
    "label": (
        f"curl -X PUT $URL/3d/jobs/$JOB/labels {JSON} '"
        '{"name": "Grandma\\u0027s jug", "tags": ["kitchen"]}'
        "'"
    ),
    "tags": "curl $URL/3d/tags",
    "trash": "curl $URL/3d/trash",
    "restore": "curl -X POST $URL/3d/jobs/$JOB/restore",
    "download": "curl -OJ $URL/3d/download/$JOB",
    "artefacts": "curl $URL/3d/jobs/$JOB/artefacts",
    "artefact": "curl -o model.glb $URL/3d/jobs/$JOB/artefacts/model.glb",
    "thumbnail": "curl -o thumbnail.png $URL/3d/jobs/$JOB/thumbnail.png",
    "log": "curl $URL/3d/jobs/$JOB/log",
    "health": "curl $URL/health",
    "ready": "curl $URL/ready",
    "counts": "curl $URL/3d/counts",
    "workers": "curl $URL/3d/workers",
    "metrics": "curl $URL/metrics",
    "openapi": "curl -o openapi.json $URL/openapi.json",
    "events": "curl -N $URL/3d/events",
    "job_events": "curl -N $URL/3d/jobs/$JOB/events",
}


def filled(name: str, url: str, job: str) -> str:
    """The command of route NAME with the service's URL and a JOB."""
    return EXAMPLES[name].replace("$URL", url).replace("'$JOB'", job).replace("$JOB", job)
