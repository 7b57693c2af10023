"""One page: a template rendered with what every page needs, and the page that tells a refusal."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import (
    Response,
    g,
    make_response,
    render_template,
    request,
)

from pipeline.jobs.common import FORMATS
from webapi.index.states import SAID
from webapi.pages.static import static_version
from webapi.problems import Problem
from webapi.routes.table import asker, here


def prefix() -> str:
    return "/3d-test" if request.path.startswith("/3d-test") else ""


def page(template: str, code: int = 200, **content: Any) -> Response:
    """Render TEMPLATE; ?part=1 gives its main part only, which the module puts in place when
    something changed."""
    who, web = g.get("who"), here()
    if who is not None:
        g.sets_cookie, g.who = True, who._replace(session=who.session or web.access.sessions.new())
        who = g.who
    may = {scope: _may(scope) for scope in ("submit", "admin")} if who else {}
    text = render_template(
        template,
        prefix=prefix(),
        part=bool(request.args.get("part")),
        token=web.access.sessions.token(who.session) if who else "",
        who=who,
        may=may,
        mark=g.get("mark", ""),
        said=SAID,
        wanted=wanted(),
        formats=FORMATS,
        version=static_version(),
        **content,
    )
    return make_response(text, code)


def _may(scope: Any) -> bool:
    try:
        here().access.permit(asker(), scope)
    except Problem:
        return False
    return True


def problem_page(problem: Problem) -> Response:
    """A refusal for a browser; without a key it is the sign-in page."""
    template = "sign_in.html" if problem.status == 401 else "problem.html"
    response = page(
        template,
        problem.status,
        problem=problem,
        wrong_key=problem.what == "key" and _sent_a_key(),
        next=wanted(),
    )
    response.headers.update(problem.headers)
    return response


def wanted() -> str:
    """Where the person wants to be once signed in: this page with its query, or what the sign-in
    page was told before a wrong key was tried."""
    if request.path.endswith("/sign-in"):
        return request.values.get("next", "")
    if request.method != "GET":
        return prefix() + "/"
    query = [(key, value) for key, value in request.args.items(multi=True) if key != "part"]
    return request.path + ("?" + urlencode(query) if query else "")


def _sent_a_key() -> bool:
    return "Authorization" in request.headers or request.path.endswith("/sign-in")
