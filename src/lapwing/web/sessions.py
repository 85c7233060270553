"""A member's session as the browser carries it: the cookie, and the token that forms repeat.

The cookie is `__Host-` and Secure over https. Plain http is served to loopback names only, where
browsers give no `__Host-` cookie; anywhere else a session over http is refused.
"""

from __future__ import annotations

import hashlib
import hmac

from litestar.datastructures import Cookie

from lapwing.members.session_desk import SESSION_LASTS
from lapwing.model.errors import NotAllowed
from lapwing.web.origins import Connection, host_is_loopback, is_https

SECURE_COOKIE = "__Host-lapwing"
LOCAL_COOKIE = "lapwing"
FORM_FIELD = "csrf"
FORM_HEADER = "x-csrf-token"


def session_token(connection: Connection) -> str | None:
    """The session token in the cookie that fits the connection, if any."""
    if is_https(connection):
        return connection.cookies.get(SECURE_COOKIE)
    return connection.cookies.get(LOCAL_COOKIE) if host_is_loopback(connection) else None


def session_cookie(connection: Connection, token: str) -> Cookie:
    """The cookie that carries a session. Raises NotAllowed over http beyond this machine."""
    return _cookie(connection, token, int(SESSION_LASTS.total_seconds()))


def no_session_cookie(connection: Connection) -> Cookie:
    """The cookie that makes the browser forget its session."""
    return _cookie(connection, "", 0)


def form_token(session: str) -> str:
    """What a form of this session repeats in the field `csrf` (or the header `X-CSRF-Token`)."""
    return hmac.new(session.encode(), b"lapwing form", hashlib.sha256).hexdigest()


def is_form_token(session: str, offered: str) -> bool:
    return hmac.compare_digest(form_token(session).encode(), offered.encode())


def _cookie(connection: Connection, value: str, max_age: int) -> Cookie:
    secure = is_https(connection)
    if not secure and not host_is_loopback(connection):
        raise NotAllowed("signing in needs https, or http on this machine's own loopback address")
    return Cookie(
        key=SECURE_COOKIE if secure else LOCAL_COOKIE,
        value=value,
        max_age=max_age,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
