from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import dedent

import pytest

from lapwing.decide.packs import load_pack, shipped_pack
from lapwing.decide.policy import Policy, Ruling, combined
from lapwing.model.decisions import Action
from lapwing.model.errors import InvalidInput
from lapwing.model.findings import Finding, FindingKind
from lapwing.model.items import ITEM_KINDS, Item
from lapwing.model.organisations import Organisation

HOLD_CASE = (Action.HOLD, Action.CASE)
REVIEW_CASE = (Action.REVIEW, Action.CASE)
ALLOW = (Action.ALLOW,)
WITH_PICTURES = ("media", "message", "advert", "profile")
WITH_LINKS = (*WITH_PICTURES, "url")

Rule = Callable[..., Ruling]


@pytest.fixture
def shipped() -> Policy:
    return Policy((shipped_pack(),))


@pytest.fixture
def rule(
    shipped: Policy,
    make: Callable[..., Item],
    finding: Callable[..., Finding],
    organisation: Organisation,
) -> Rule:
    """The shipped policy's ruling on an item of a kind with such findings."""

    def rule(kind: str, *found: str) -> Ruling:
        return shipped.decide(make(kind), [finding(one) for one in found], organisation)

    return rule


def pack_of(*rules: str, id: str = "mine") -> str:
    head = f'id = "{id}"\ntitle = "t"\nsource = "s"\nreviewed = 2026-01-31\n'
    return head + "\n".join(dedent(one) for one in rules)


def one_rule(id: str, when: str, actions: Sequence[str]) -> str:
    return (
        f"[[rules]]\nid = {id!r}\nwhen = '''{when}'''\nactions = {list(actions)}\n"
        f"why = 'Because of {id}.'\nsource = 's'\nreviewed = 2026-01-31\n"
    )


@pytest.mark.parametrize("kind", sorted(ITEM_KINDS))
def test_what_nothing_is_found_in_is_allowed(rule: Rule, kind: str) -> None:
    ruling = rule(kind)
    assert (ruling.actions, ruling.rules, ruling.why) == (ALLOW, (), ())


@pytest.mark.parametrize("kind", WITH_PICTURES)
def test_a_known_picture_is_held_and_opens_a_case(rule: Rule, kind: str) -> None:
    ruling = rule(kind, "known_media")
    assert ruling.actions == HOLD_CASE
    assert ruling.rules == ("known_media",)
    assert ruling.why == ("A picture in this item is on a verified list of known material.",)


@pytest.mark.parametrize("found", ["known_url", "known_domain"])
@pytest.mark.parametrize("kind", WITH_LINKS)
def test_a_known_link_is_held_and_opens_a_case(rule: Rule, kind: str, found: str) -> None:
    assert rule(kind, found).actions == HOLD_CASE


@pytest.mark.parametrize("found", ["known_url", "known_domain"])
def test_a_payment_is_never_stopped_by_a_link_alone(rule: Rule, found: str) -> None:
    assert rule("payment", found).actions == REVIEW_CASE


@pytest.mark.parametrize("found", ["known_media", "known_url", "known_domain"])
def test_a_tip_is_never_held(rule: Rule, found: str) -> None:
    assert rule("tip", found).actions == REVIEW_CASE


@pytest.mark.parametrize("found", ["near_media", "listed_url"])
@pytest.mark.parametrize("kind", [*WITH_LINKS, "tip"])
def test_what_is_only_near_goes_to_a_person(rule: Rule, kind: str, found: str) -> None:
    assert rule(kind, found).actions == REVIEW_CASE


def test_harmless_material_is_allowed_and_says_why(rule: Rule) -> None:
    ruling = rule("media", "harmless_media")
    assert ruling.actions == ALLOW
    assert ruling.rules == ("harmless_media",)
    assert ruling.why


def test_an_allow_list_does_not_beat_a_verified_list(rule: Rule) -> None:
    ruling = rule("media", "harmless_media", "known_media")
    assert ruling.actions == (Action.HOLD, Action.REVIEW, Action.CASE)
    assert ruling.rules == ("known_media", "disputed_media")


def test_an_allow_list_does_not_clear_what_else_the_item_carries(rule: Rule) -> None:
    assert rule("message", "harmless_media", "near_media").actions == REVIEW_CASE
    assert rule("message", "harmless_media", "known_url").actions == HOLD_CASE


@pytest.mark.parametrize("found", sorted(FindingKind))
def test_no_finding_is_passed_over_in_silence(rule: Rule, found: str) -> None:
    kinds = [kind for kind in ITEM_KINDS if rule(kind, found).rules]
    assert set(kinds) >= {"message", "advert", "profile", "tip"}


def test_the_strongest_action_stands_first_and_each_once() -> None:
    assert combined(
        [Action.CASE, Action.REVIEW, Action.ALLOW, Action.REMOVE, Action.CASE, Action.HOLD]
    ) == (Action.REMOVE, Action.HOLD, Action.REVIEW, Action.CASE)
    assert combined([Action.ALLOW, Action.ALLOW]) == ALLOW


def test_all_rules_of_all_packs_are_asked(
    make: Callable[..., Item], organisation: Organisation
) -> None:
    mine = load_pack(pack_of(one_rule("large", "payment.amount > 100", ["slow"])), "mine.toml")
    yours = load_pack(
        pack_of(
            one_rule("any", "item.kind == 'payment'", ["warn"]),
            one_rule("never", "payment.amount > 10000", ["remove"]),
            id="yours",
        ),
        "yours.toml",
    )
    policy = Policy((mine, yours))
    ruling = policy.decide(make("payment"), (), organisation)
    assert ruling.actions == (Action.SLOW, Action.WARN)
    assert ruling.rules == ("large", "any")
    assert ruling.why == ("Because of large.", "Because of any.")
    assert ruling.pack == f"mine@{mine.version}+yours@{yours.version}"
    assert policy.decide(make("tip"), (), organisation).actions == ALLOW


def test_the_generation_of_the_bank_reaches_the_rules(
    make: Callable[..., Item], organisation: Organisation
) -> None:
    policy = Policy((load_pack(pack_of(one_rule("old", "bank.generation < 5", ["review"])), "m"),))
    assert policy.decide(make("tip"), (), organisation, 4).rules == ("old",)
    assert policy.decide(make("tip"), (), organisation, 5).rules == ()
    assert policy.decide(make("tip"), (), organisation).rules == ()


def test_a_batch_is_decided_as_its_items_are(
    shipped: Policy,
    make: Callable[..., Item],
    finding: Callable[..., Finding],
    organisation: Organisation,
) -> None:
    items = [make(kind) for kind in ITEM_KINDS]
    found = [[finding("known_url")] if n % 2 else [] for n, _ in enumerate(items)]
    rulings = shipped.decide_batch(items, found, organisation, 1)
    assert rulings == [
        shipped.decide(item, one, organisation, 1) for item, one in zip(items, found, strict=True)
    ]
    with pytest.raises(ValueError, match="shorter"):
        shipped.decide_batch(items, found[:-1], organisation)


def test_the_same_is_always_decided_the_same_way(rule: Rule) -> None:
    assert len({rule("advert", "near_media", "known_url") for _ in range(20)}) == 1


def test_two_packs_cannot_name_a_rule_alike() -> None:
    packs = [
        load_pack(pack_of(one_rule("same", "True", ["review"]), id=id), id) for id in ("a", "b")
    ]
    with pytest.raises(InvalidInput, match="'same'"):
        Policy(packs)


def test_a_policy_without_a_pack_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Policy(())
