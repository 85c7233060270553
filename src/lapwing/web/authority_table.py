"""What each route asks for, as the tables of docs/members.md: written from the declarations."""

from __future__ import annotations

from collections.abc import Iterator

from litestar import Litestar

from lapwing.model.organisations import Role, Scope
from lapwing.model.permissions import BY_ROLE, Permission
from lapwing.web.authority import Authority, declared, handlers_of

_WHO = {
    Authority.API_KEY: "key or member",
    Authority.MEMBER: "member",
    Authority.NONCE: "one-time secret",
    Authority.LOOPBACK: "this machine",
    Authority.PUBLIC: "everyone",
}


def permission_table() -> str:
    """Markdown: every permission, what it means, which roles have it, whether a key can."""
    scopes = {scope.value for scope in Scope}
    lines = [
        "| permission | lets a member | " + " | ".join(role.value for role in Role) + " | key |",
        "|---|---|" + "---|" * (len(Role) + 1),
    ]
    for one in Permission:
        roles = " | ".join("yes" if one in BY_ROLE[role] else "" for role in Role)
        key = "yes" if one.value in scopes else "never"
        lines.append(f"| `{one.value}` | {one.meaning} | {roles} | {key} |")
    return "\n".join(lines)


def route_table(app: Litestar) -> str:
    """Markdown: every route, who may call it, what it needs, whether it asks for a step-up."""
    return "\n".join(
        ["| route | who | needs | in person |", "|---|---|---|---|", *sorted(_routes(app))]
    )


def _routes(app: Litestar) -> Iterator[str]:
    for path, method, handler in handlers_of(app):
        authority = declared(handler)
        needs = handler.opt.get("permission") or handler.opt.get("scope")
        if needs is None:
            needs = {Authority.MEMBER: "being one", Authority.API_KEY: "any"}.get(authority, "")
        else:
            needs = f"`{needs}`"
        person = "step-up" if handler.opt.get("step_up") else ""
        if handler.opt.get("fresh_token"):
            person += " or fresh token"
        who = "key" if handler.opt.get("scope") is Scope.HOSTED else _WHO[authority]
        yield f"| `{method} {path}` | {who} | {needs} | {person} |"
