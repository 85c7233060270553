"""The way into this room: organisations, members, sign-in and API keys in one service.

Secrets leave it once, as the return value of the call that makes them. They are never logged,
never part of an event and never stored; the tables hold their SHA-256.
"""

from __future__ import annotations

from lapwing.members.keys import Keys
from lapwing.members.organisations import Organisations
from lapwing.members.passkeys import Passkeys
from lapwing.members.people import People
from lapwing.members.permitting import Permitting
from lapwing.members.recovery import Recovery
from lapwing.members.reviewing import Reviewing
from lapwing.members.sessions import Sessions
from lapwing.members.signing_in import SigningIn


class Members(
    Organisations,
    People,
    Permitting,
    SigningIn,
    Passkeys,
    Recovery,
    Sessions,
    Keys,
    Reviewing,
):
    """The service of this room. Safe to share between threads."""
