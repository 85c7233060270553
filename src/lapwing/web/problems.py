"""Errors as answers: one body for all of them, and the status each kind of error has.

Nothing of an unexpected error reaches the caller but a request id to ask about.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from msgspec import Struct

from lapwing.logs import log, told
from lapwing.model.errors import (
    Conflict,
    IntegrityBroken,
    InvalidInput,
    LapwingError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    StepUpNeeded,
    TooManyAttempts,
    Unavailable,
)

AnyRequest = Request[Any, Any, Any]

STATUS: dict[type[LapwingError], int] = {
    InvalidInput: 400,
    LimitExceeded: 413,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    TooManyAttempts: 429,
    Unavailable: 503,
    IntegrityBroken: 500,
    LapwingError: 500,
}

SIGN_IN_PATH = "/console/sign-in"
STEP_UP_PATH = "/console/step-up"

CODES = {
    400: InvalidInput.code,
    401: "not_authenticated",
    403: NotAllowed.code,
    404: NotFound.code,
    405: "method_not_allowed",
    413: LimitExceeded.code,
    415: "unsupported_media_type",
    429: TooManyAttempts.code,
    503: Unavailable.code,
}


class Problem(Struct, frozen=True, kw_only=True):
    """What every refused request answers. `field` is a dotted path, `line` counts from 1."""

    code: str
    message: str
    field: str | None = None
    line: int | None = None
    column: int | None = None


def _documented(**reasons: str) -> dict[int, ResponseSpec]:
    return {
        int(name.removeprefix("s")): ResponseSpec(
            Problem, description=reason, generate_examples=False
        )
        for name, reason in reasons.items()
    }


REFUSALS = _documented(
    s400="A value cannot be used; the body names the field",
    s401="No usable API key or session",
    s403="The caller lacks the authority",
    s404="There is no such thing in this organisation",
    s409="The thing has moved on, or the step does not follow from its state",
    s413="More than a stated limit",
    s415="A body of another type than this route takes",
    s429="Too many failed attempts; `Retry-After` says how many seconds to wait",
    s503="A part that Lapwing needs does not answer",
)
"""The refusals that routes document in the API description."""


def problem_of(error: LapwingError) -> Problem:
    return Problem(
        code=error.code,
        message=error.message,
        field=getattr(error, "field", None),
        line=getattr(error, "line", None),
        column=getattr(error, "column", None),
    )


def status_of(error: LapwingError) -> int:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _answer(
    request: AnyRequest, status: int, problem: Problem, headers: dict[str, str] | None = None
) -> Response[Any]:
    handler = request.scope.get("route_handler")
    if handler is not None and handler.opt.get("page"):
        if status == 401 and "hx-request" in request.headers:
            # A part of a page that refreshes itself: the whole page has to go there.
            return Response(problem, status_code=401, headers={"HX-Redirect": SIGN_IN_PATH})
        if status == 401:
            return Redirect(SIGN_IN_PATH, status_code=303)
        page = handler.opt["page"](request, status, problem)
        return Response(page, status_code=status, media_type="text/html")
    return Response(problem, status_code=status, headers=headers, media_type="application/json")


def _lapwing_error(request: AnyRequest, error: LapwingError) -> Response[Any]:
    if isinstance(error, Unavailable):
        # After the colon stands what the part said of itself, its address for one.
        error.message = error.message.partition(":")[0]
    return _answer(request, status_of(error), problem_of(error))


def _step_up_needed(request: AnyRequest, error: StepUpNeeded) -> Response[Any]:
    """Pages lead to where a member shows who they are, and back."""
    handler = request.scope.get("route_handler")
    if handler is None or not handler.opt.get("page"):
        return _lapwing_error(request, error)
    back: str | int = 0 if request.method == "GET" else handler.opt.get("back", 1)
    if isinstance(back, int):
        parts = request.url.path.split("/")
        back = "/".join(parts[: len(parts) - back])
    return Redirect(f"{STEP_UP_PATH}?{urlencode({'next': back})}", status_code=303)


def _too_many(request: AnyRequest, error: TooManyAttempts) -> Response[Any]:
    wait = {"Retry-After": str(error.retry_after)}
    answer = _answer(request, 429, problem_of(error), wait)
    answer.headers.update(wait)
    return answer


def _validation_error(request: AnyRequest, error: ValidationException) -> Response[Any]:
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    problem = Problem(
        code=InvalidInput.code,
        message=str(first.get("message") or "a value cannot be used"),
        field=first.get("key"),
    )
    return _answer(request, 400, problem)


def _too_large(request: AnyRequest, error: RequestEntityTooLarge) -> Response[Any]:
    limit = request.route_handler.resolve_request_max_body_size()
    problem = Problem(
        code=LimitExceeded.code, message=f"the body is larger than this route's {limit} bytes"
    )
    return _answer(request, 413, problem, {"Connection": "close"})


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    status = error.status_code
    if status >= 500 and status not in CODES:
        return _crash(request, error)
    message = error.detail or "this request cannot be served"
    problem = Problem(code=CODES.get(status, "refused"), message=message)
    return _answer(request, status, problem, error.headers)


def _crash(request: AnyRequest, error: Exception) -> Response[Any]:
    request_id = str(request.scope["state"].get("request_id", ""))
    log.error("request.crashed", request_id=request_id, **told(error))
    message = f"something went wrong here; it is recorded under the request id {request_id}"
    return _answer(request, 500, Problem(code="error", message=message))


HANDLERS: ExceptionHandlersMap = {
    LapwingError: _lapwing_error,
    StepUpNeeded: _step_up_needed,
    TooManyAttempts: _too_many,
    ValidationException: _validation_error,
    RequestEntityTooLarge: _too_large,
    HTTPException: _http_error,
    Exception: _crash,
}
