"""Whether what an organisation has switched on still stands in the law. Pure."""

from __future__ import annotations

from lapwing.law.registry import row
from lapwing.law.rows import Switch
from lapwing.model.errors import NotFound
from lapwing.model.organisations import Organisation


def allowed(organisation: Organisation, switch: Switch) -> bool:
    """On, and under a row of law/ that still allows it: a withdrawn row switches it off again."""
    named = {
        Switch.KEEP_CONTENT: organisation.keep_content,
        Switch.SCAN_PRIVATE: organisation.scan_private,
    }[switch]
    if named is None:
        return False
    try:
        basis = row(named)
    except NotFound:
        return False
    return basis.country == organisation.country and basis.in_force_for(organisation.kind, switch)
