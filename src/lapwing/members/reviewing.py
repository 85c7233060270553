"""Gathers what `review` looks at. For the command line only: it reads every organisation."""

from __future__ import annotations

from lapwing.members import ceremonies, credential_rows, repository
from lapwing.members.desk import Desk
from lapwing.members.review import Door, House, Weakness, review, review_door


class Reviewing(Desk):
    """What `lapwing doctor` says about members and keys."""

    def weaknesses(self, bound_host: str) -> list[Weakness]:
        """What is weak about the way in and about each organisation's members and keys.

        `bound_host` is the address that the server listens on.
        """
        door = Door(
            origin=self._site.origin,
            bound_host=bound_host,
            passkeys_installed=ceremonies.available(),
        )
        found = review_door(door)
        with self._database.owner() as connection:
            known = repository.all_organisations(connection)
        for organisation in known:
            with self._database.organisation(organisation.id) as connection:
                house = House(
                    organisation=organisation,
                    members=repository.all_members(connection),
                    passkeys=credential_rows.passkey_counts(connection),
                    keys=repository.all_keys(connection),
                )
            found += review(house, self._clock())
        return found
