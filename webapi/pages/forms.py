"""Forms: what the pages can do without a module; each acts and redirects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import g, redirect, request
from werkzeug.datastructures import MultiDict

from webapi.access.access import TOKEN_FIELD, TOKEN_HEADER
from webapi.pages.page import prefix
from webapi.problems import Problem
from webapi.routes import act, anew, labels, many, new_job, trash
from webapi.routes.look import look_up
from webapi.routes.options import changed, options_of
from webapi.routes.schemas import Export, Generate, Labelled, Many
from webapi.routes.table import asker, here

FORM_LIMIT = 64 * 1024


def _form(scope: Any = "submit") -> MultiDict[str, str]:
    """The fields of a small form whose sender may do SCOPE and whose token is right."""
    here().access.permit(asker(), scope)
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Problem(
            415, "media-type", "This takes a form.", "Use the pages, or the routes below /3d/."
        )
    if (request.content_length or 0) > FORM_LIMIT:
        raise Problem(413, "too-large", "This is no form of ours.")
    here().access.check_token(
        asker(), request.form.get(TOKEN_FIELD) or request.headers.get(TOKEN_HEADER)
    )
    return request.form


def do_prompt() -> Any:
    said = {key: [value] for key, value in _form().items() if key != TOKEN_FIELD and value.strip()}
    options = options_of("prompt", said)
    asked = Generate.model_validate({**options, "prompt": options.get("prompt", "")})
    return redirect(f"{prefix()}/jobs/{new_job.new_prompt(asked)}", 303)


def do_upload() -> Any:
    here().access.permit(asker(), "submit")

    def check(fields: dict[str, list[str]]) -> None:
        here().access.check_token(
            asker(), (fields.get(TOKEN_FIELD) or [""])[0] or request.headers.get(TOKEN_HEADER)
        )

    ids = new_job.receive_apart(check)
    return redirect(f"{prefix()}/jobs/{ids[0]}" if len(ids) == 1 else f"{prefix()}/", 303)


def do_cancel(id: str) -> Any:
    _form()
    act.cancel_job(id)
    return redirect(f"{prefix()}/jobs/{id}", 303)


def do_retry(id: str) -> Any:
    _form()
    return redirect(f"{prefix()}/jobs/{anew.retry_job(id)[0]}", 303)


def do_export(id: str) -> Any:
    form = _form()
    fields = {key: value for key in ("output_format", "up", "front") if (value := form.get(key))}
    return redirect(f"{prefix()}/jobs/{anew.export_job(id, Export.model_validate(fields))}", 303)


def do_again(id: str) -> Any:
    form = _form()
    fields = {key: form.getlist(key) for key in form if key != TOKEN_FIELD}
    kind = look_up(id)["kind"]
    said = changed(kind, fields) if kind else {}
    return redirect(f"{prefix()}/jobs/{anew.again_job(id, said)}", 303)


def do_delete(id: str) -> Any:
    _form("admin")
    act.delete_job(id)
    return redirect(prefix() + "/done", 303)


def do_restore(id: str) -> Any:
    _form("admin")
    trash.restore_job(id)
    return redirect(f"{prefix()}/jobs/{id}", 303)


def do_many() -> Any:
    """What the button says, for every job that is ticked; back to the list it came from."""
    form = _form("read")
    verb, ids = form.get("do", ""), request.form.getlist("job")[:200]
    if not ids:
        raise Problem(422, "invalid", "No job is chosen.", "Tick some in the list, then try again.")
    if verb == "download":
        return redirect(f"/3d/download?{urlencode([('job', id) for id in ids])}", 303)
    here().access.permit(asker(), "submit")
    asked = Many.model_validate({"do": verb, "jobs": ids})
    refused = [one["why"] for one in many.do(asked.do, asked.jobs) if not one["done"]]
    if refused:
        left = f"{len(ids) - len(refused)} of {len(ids)} done."
        raise Problem(409, "wrong-state", f"{left} {' '.join(refused[:5])}")
    return redirect(f"{prefix()}/done?{form.get('back', '')[:500]}", 303)


def do_cancel_mine() -> Any:
    _form()
    many.cancel_mine()
    return redirect(f"{prefix()}/", 303)


def do_label(id: str) -> Any:
    form = _form()
    said = [tag for tag in form.get("tags", "").split(",") if tag.strip()]
    asked = Labelled.model_validate({"name": form.get("name") or None, "tags": said})
    labels.label_job(id, asked)
    return redirect(f"{prefix()}/jobs/{id}", 303)


def do_sign_in() -> Any:
    access = here().access
    access.check_token(asker(), request.form.get(TOKEN_FIELD))
    key = here().keys.check(request.form.get("key", "").strip())
    if key is None:
        access.slow_down(request)
        access.note_failure(request)
        raise Problem(
            401, "key", "This key is not known here.", "Paste the whole key, from i3d_ to its end."
        )
    g.who, g.sets_cookie = g.who._replace(key=key, session=access.sessions.new()), True
    wanted = request.form.get("next", "")
    inside = (
        wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    )
    return redirect(wanted if inside else prefix() + "/", 303)


def do_sign_out() -> Any:
    here().access.check_token(asker(), request.form.get(TOKEN_FIELD))
    here().access.sessions.end(asker().session)
    g.who, g.sets_cookie = g.who._replace(key=None, session=here().access.sessions.new()), True
    return redirect(prefix() + "/", 303)
