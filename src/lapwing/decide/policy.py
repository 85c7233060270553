"""The policy: which rules hold for an item, and what they ask for together.

It cannot act: a ruling is a value. Nothing a ruling can ask for reports or accuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from lapwing.decide.language import KINDS
from lapwing.decide.packs import Pack, Rule
from lapwing.model.decisions import STRENGTH, Action
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Finding
from lapwing.model.items import ITEM_KINDS, Item
from lapwing.model.organisations import Organisation

_KIND_OF = {struct: kind for kind, struct in ITEM_KINDS.items()}


class Ruling(Struct, frozen=True, kw_only=True):
    """`actions`: what is done to the item, strongest first, then CASE. `why`: one line a rule."""

    actions: tuple[Action, ...]
    rules: tuple[str, ...]
    why: tuple[str, ...]
    pack: str


class Policy:
    """One or more packs. Immutable, pure, safe to share between threads."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        if not packs:
            raise InvalidInput("a policy needs at least one pack")
        rules = [rule for pack in packs for rule in pack.rules]
        taken: set[str] = set()
        for rule in rules:
            if rule.id in taken:
                raise InvalidInput(f"two packs have a rule called {rule.id!r}", field="rules")
            taken.add(rule.id)
        self.packs = tuple(packs)
        self.name = "+".join(pack.name for pack in packs)
        self._loud = {k: tuple(r for r in rules if k in r.when.kinds) for k in KINDS}
        self._quiet = {k: tuple(r for r in rules if k in r.when.quiet_kinds) for k in KINDS}
        self._nothing = Ruling(actions=(Action.ALLOW,), rules=(), why=(), pack=self.name)

    def decide(
        self,
        item: Item,
        findings: Sequence[Finding],
        organisation: Organisation,
        generation: int | None = None,
    ) -> Ruling:
        """The ruling on one item: ALLOW where no rule holds. Never raises for an item of the model.

        `generation` is that of the bank the item was compared with.
        """
        kind = _KIND_OF[type(item)]
        rules = self._loud[kind] if findings else self._quiet[kind]
        held = [
            rule
            for rule in rules
            if rule.when.holds(item, kind, findings, organisation, generation)
        ]
        return self._together(held) if held else self._nothing

    def decide_batch(
        self,
        items: Sequence[Item],
        findings: Sequence[Sequence[Finding]],
        organisation: Organisation,
        generation: int | None = None,
    ) -> list[Ruling]:
        """A ruling for each item; `findings[i]` are those of `items[i]`."""
        return [
            self.decide(item, found, organisation, generation)
            for item, found in zip(items, findings, strict=True)
        ]

    def _together(self, held: Sequence[Rule]) -> Ruling:
        return Ruling(
            actions=combined(action for rule in held for action in rule.actions),
            rules=tuple(rule.id for rule in held),
            why=tuple(dict.fromkeys(rule.why for rule in held)),
            pack=self.name,
        )


def combined(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Each action once: what is done to the item, strongest first, then CASE. ALLOW only alone."""
    every = set(actions)
    if len(every) > 1:
        every.discard(Action.ALLOW)
    return tuple(sorted(every, key=lambda action: (action is Action.CASE, -STRENGTH[action])))
