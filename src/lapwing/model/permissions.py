"""Permissions: what a member may do. A role gives them; a member can have more or fewer by name.

A name that is also a `Scope` means the same for a member as for an API key. The others are for
members only: a machine suggests, a person decides.
"""

from __future__ import annotations

from enum import StrEnum

from lapwing.model.roles import Role


class Permission(StrEnum):
    SCREEN = "screen"
    MATCH = "match"
    BANK_READ = "bank.read"
    BANK_WRITE = "bank.write"
    CASES_READ = "cases.read"
    LEDGER_READ = "ledger.read"
    CASES_WORK = "cases.work"
    CASES_DECIDE = "cases.decide"
    CONTENT_UNCOVER = "content.uncover"
    REPORTS_FILE = "reports.file"
    SHARE_PROPOSE = "share.propose"
    SHARE_CONFIRM = "share.confirm"
    KEYS_MANAGE = "keys.manage"
    MEMBERS_MANAGE = "members.manage"

    @property
    def meaning(self) -> str:
        """What it lets a member do, for people."""
        return _MEANINGS[self]


_MEANINGS = {
    Permission.SCREEN: "send items to be screened",
    Permission.MATCH: "look hashes and links up",
    Permission.BANK_READ: "read lists and their entries",
    Permission.BANK_WRITE: "make lists, add and withdraw entries",
    Permission.CASES_READ: "read cases",
    Permission.LEDGER_READ: "read the ledger and its proofs",
    Permission.CASES_WORK: "take cases, give them back, note and close them",
    Permission.CASES_DECIDE: "give verdicts",
    Permission.CONTENT_UNCOVER: "uncover kept content",
    Permission.REPORTS_FILE: "file reports to authorities",
    Permission.SHARE_PROPOSE: "propose what leaves the organisation, and withdraw it",
    Permission.SHARE_CONFIRM: "confirm, as the second person, what another proposed",
    Permission.KEYS_MANAGE: "make and revoke API keys",
    Permission.MEMBERS_MANAGE: "add and disable members, and change what they may do",
}

_EVERYONE = frozenset(
    {
        Permission.SCREEN,
        Permission.MATCH,
        Permission.BANK_READ,
        Permission.CASES_READ,
        Permission.LEDGER_READ,
        Permission.CASES_WORK,
        Permission.SHARE_PROPOSE,
    }
)

BY_ROLE: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.REVIEWER: _EVERYONE
    | {
        Permission.CASES_DECIDE,
        Permission.CONTENT_UNCOVER,
        Permission.REPORTS_FILE,
        Permission.SHARE_CONFIRM,
    },
    Role.ANALYST: _EVERYONE | {Permission.BANK_WRITE},
}
"""What a role gives. Analysts prepare, reviewers judge and answer for it, admins also manage."""
