"""The two roles that work behind row-level security, and how the owner comes to have them.

Roles belong to the server, not to a database, so another Lapwing on it may have made them.
"""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from lapwing.model.errors import Unavailable

APP_ROLE = "lapwing_app"
INDEX_ROLE = "lapwing_index"
ROLES = (APP_ROLE, INDEX_ROLE)

_MAKE = """
do $$ begin
  if not exists (select from pg_roles where rolname = '{role}') then
    begin
      create role {role} nologin;
    exception when duplicate_object or unique_violation then null;
    end;
  end if;
end $$
"""

_MAY_BECOME = text(
    """
    select pg_has_role(current_user, rolname,
                       case when current_setting('server_version_num')::int >= 160000
                            then 'SET' else 'MEMBER' end)
      from pg_roles where rolname = :role
    """
)

_DANGEROUS = text(
    "select rolname from pg_roles where rolname = any(:roles) and (rolsuper or rolbypassrls)"
)


def make_roles(connection: Connection) -> None:
    """Make the roles where they are missing and let the connected user become them.

    Raises Unavailable, with the statements for an administrator, when the user may not.
    """
    try:
        for role in ROLES:
            connection.execute(text(_MAKE.format(role=role)))
            if not connection.execute(_MAY_BECOME, {"role": role}).scalar_one():
                option = " with set true" if _version(connection) >= 160000 else ""
                connection.execute(text(f"grant {role} to current_user{option}"))
        connection.commit()
    except DBAPIError as error:
        connection.rollback()
        if getattr(error.orig, "sqlstate", None) != "42501":  # insufficient_privilege
            raise
        user = connection.execute(text("select quote_ident(current_user)")).scalar_one()
        connection.rollback()
        names = ", ".join(ROLES)
        raise Unavailable(
            f"the database user {user} may not make the roles Lapwing works with; give it "
            "CREATEROLE, or have an administrator run: "
            + "".join(f"create role {role} nologin; " for role in ROLES)
            + f"grant {names} to {user};"
        ) from error
    dangerous = connection.execute(_DANGEROUS, {"roles": list(ROLES)}).scalars().all()
    connection.rollback()
    if dangerous:
        raise Unavailable(
            f"role {dangerous[0]} is a superuser or bypasses row-level security; the walls between "
            "organisations would not hold. Run: "
            f"alter role {dangerous[0]} nosuperuser nobypassrls;"
        )


def _version(connection: Connection) -> int:
    return int(connection.execute(text("show server_version_num")).scalar_one())
