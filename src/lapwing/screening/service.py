"""The main job. Items in, decisions out, everything on record before the answer.

What it must never do: answer for an item that is not committed, decide twice on one item, keep
content of an item that no case needs, or pass over an item in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from lapwing.bank import flood
from lapwing.bank.index.view import BankView
from lapwing.bank.live import LiveBank
from lapwing.cases.records import Decided, Gathered
from lapwing.cases.service import Cases
from lapwing.decide.policy import Policy
from lapwing.detect.contract import Detector
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.vault import Vault
from lapwing.law.rows import Switch
from lapwing.members.service import Members
from lapwing.model.actors import Actor
from lapwing.model.decisions import Decision
from lapwing.model.errors import NotFound
from lapwing.model.events import Event, EventKind
from lapwing.model.items import kind_of
from lapwing.model.organisations import Organisation
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening import repository
from lapwing.screening.admission import Admitted, admit
from lapwing.screening.counting import lowered, matches_of
from lapwing.screening.coverage import unseen
from lapwing.screening.detection import detect
from lapwing.screening.keeping import keep
from lapwing.screening.lawful import allowed
from lapwing.screening.records import Screened, ScreenedItem
from lapwing.screening.repository import Key
from lapwing.store.clock import Clock, new_id
from lapwing.store.database import Database


class Screening:
    """Safe to share between threads; two that send the same item get the same decision."""

    def __init__(
        self,
        *,
        database: Database,
        live: LiveBank,
        detectors: Sequence[Detector],
        policy: Policy,
        cases: Cases,
        ledger: Ledger,
        vault: Vault,
        members: Members,
        clock: Clock,
    ) -> None:
        self._database = database
        self._live = live
        self._detectors = tuple(detectors)
        self._policy = policy
        self._cases = cases
        self._ledger = ledger
        self._vault = vault
        self._members = members
        self._clock = clock

    def screen(
        self,
        organisation: UUID,
        actor: Actor,
        submissions: Sequence[Submission],
        *,
        lists: frozenset[UUID] | None = None,
    ) -> Screened:
        """Look at a batch, decide and record, in one transaction; returns after the commit.

        An item that was sent before, or twice in this batch, gets its first decision and changes
        nothing. What cannot be looked at is listed in `refused`. `lists` narrows the bank, where a
        key is bound to some lists. Raises NotFound for an unknown organisation, Unavailable when
        the database does not answer; nothing of the batch is then on record.
        """
        sender = self._members.organisation(organisation)
        private = allowed(sender, Switch.SCAN_PRIVATE)
        admitted, refused = admit(sender, submissions, private=private)
        first: dict[Key, Admitted] = {}
        for one in admitted:
            first.setdefault(one.key, one)
        known = self._known(organisation, list(first))
        new = [one for key, one in first.items() if key not in known]
        batch = _Batch(sender, actor, self._clock())
        if new:
            view = self._live.snapshot().view(organisation, batch.at, lists)
            failed = self._judge(batch, new, view)
            refused += [failed[one.key] for one in admitted if one.key in failed]
            known |= self._record(batch)
            admitted = [one for one in admitted if one.key not in failed]
        return _answer(batch, self._detectors, admitted, refused, known)

    def item(self, organisation: UUID, item: UUID) -> ScreenedItem:
        """One item with its first decision and the outcome of its case. Raises NotFound."""
        with self._database.organisation(organisation) as connection:
            stored = repository.item(connection, item)
            if stored is None:
                raise NotFound(f"there is no item {item}")
            return stored

    def _known(self, organisation: UUID, keys: Sequence[Key]) -> dict[Key, Decision]:
        if not keys:
            return {}
        with self._database.organisation(organisation) as connection:
            return repository.first_decisions(connection, keys)

    def _judge(self, batch: _Batch, new: Sequence[Admitted], view: BankView) -> dict[Key, Refusal]:
        """Detect and decide; fills the batch and returns what a detector failed on."""
        items = [one.submission.item for one in new]
        detected = detect(self._detectors, items, view)
        failed: dict[Key, Refusal] = {}
        for place, (one, item) in enumerate(zip(new, items, strict=True)):
            if place in detected.failed:
                failed[one.key] = Refusal(
                    reason=detected.failed[place], source_id=item.source_id, code="detector_failed"
                )
                continue
            findings = detected.findings[place]
            ruling = self._policy.decide(item, findings, batch.organisation, view.generation)
            decision = Decision(
                id=new_id(batch.at),
                item=item.id,
                organisation=item.organisation,
                source=item.source,
                source_id=item.source_id,
                at=batch.at,
                actions=ruling.actions,
                rules=ruling.rules,
                pack=ruling.pack,
                why=ruling.why,
                generation=view.generation,
            )
            batch.judged[item.id] = (one, Decided(item, decision, findings))
        return failed

    def _record(self, batch: _Batch) -> dict[Key, Decision]:
        """Write the batch; returns the standing decision for every key in it.

        Locks are taken in one order everywhere: items by key, the history of matches, the bank's
        generation, the organisation's cases, its ledger.
        """
        organisation = batch.organisation.id
        wanted = sorted((one for one, _ in batch.judged.values()), key=lambda one: one.key)
        if not wanted:
            return {}
        with self._database.organisation(organisation) as connection:
            fresh = repository.insert_items(connection, organisation, wanted, batch.at)
            standing: dict[Key, Decision] = {}
            if len(fresh) < len(wanted):
                late = [one.key for one in wanted if one.item.id not in fresh]
                standing = repository.first_decisions(connection, late)
            batch.keep_only(fresh)
            if fresh:
                floods = self._count_matches(connection, batch)
                standing |= self._record_fresh(connection, batch, floods)
        return standing

    def _count_matches(self, connection: Connection, batch: _Batch) -> tuple[Event, ...]:
        """Add the batch to the history of what it matched. What that makes a flood counts for less
        from here on, also for the items of this batch, which are decided anew."""
        matches: Counter[tuple[UUID, int]] = Counter()
        for _, one in batch.judged.values():
            matches.update(matches_of(one.findings))
        tripped = flood.count(connection, batch.organisation.id, matches, batch.at)
        for key, (admitted, one) in batch.judged.items() if tripped.indicators else ():
            findings = tuple(lowered(finding, tripped.indicators) for finding in one.findings)
            if findings == one.findings:
                continue
            ruling = self._policy.decide(
                one.item, findings, batch.organisation, one.decision.generation
            )
            decision = replace(
                one.decision, actions=ruling.actions, rules=ruling.rules, why=ruling.why
            )
            batch.judged[key] = (admitted, Decided(one.item, decision, findings))
        return tripped.events

    def _record_fresh(
        self, connection: Connection, batch: _Batch, floods: Sequence[Event]
    ) -> dict[Key, Decision]:
        organisation = batch.organisation.id
        decided = [one for _, one in batch.judged.values()]
        gathered = self._cases.gather(connection, organisation, decided, batch.at)
        batch.gathered = gathered
        case_of = gathered.case_of
        decisions = [
            replace(one.decision, case=case_of[one.item.id])
            if one.item.id in case_of
            else one.decision
            for one in decided
        ]
        repository.insert_decisions(connection, organisation, decisions)
        findings = [finding for one in decided for finding in one.findings]
        if findings:
            repository.insert_findings(connection, organisation, findings)
        submissions = [batch.judged[item][0].submission for item in case_of]
        kept = keep(self._vault, connection, batch.organisation, submissions, case_of, batch.at)
        batch.kept = kept.count
        events = [
            _decided(batch.actor, one, decision)
            for one, decision in zip(decided, decisions, strict=True)
        ]
        self._ledger.append(
            connection, organisation, [*floods, *events, *gathered.events, *kept.events]
        )
        return {(decision.source, decision.source_id): decision for decision in decisions}


class _Batch:
    """What one call collects on its way to the answer."""

    def __init__(self, organisation: Organisation, actor: Actor, at: datetime) -> None:
        self.organisation = organisation
        self.actor = actor
        self.at = at
        self.judged: dict[UUID, tuple[Admitted, Decided]] = {}
        self.gathered = Gathered(case_of={}, events=[], opened=0, extended=0)
        self.kept = 0

    def keep_only(self, fresh: set[UUID]) -> None:
        """Drop what another sender recorded first."""
        if len(fresh) < len(self.judged):
            self.judged = {item: pair for item, pair in self.judged.items() if item in fresh}


def _decided(actor: Actor, one: Decided, decision: Decision) -> Event:
    return Event(
        kind=EventKind.DECIDED,
        at=decision.at,
        actor=actor,
        subject=str(decision.item),
        case=decision.case,
        data={
            "decision": str(decision.id),
            "kind": kind_of(one.item),
            "source": decision.source,
            "source_id": decision.source_id,
            "actions": decision.actions,
            "rules": decision.rules,
            "pack": decision.pack,
            "generation": decision.generation,
            "findings": [
                {"kind": f.kind, "detector": f.detector, "version": f.version, "score": f.score}
                for f in one.findings
            ],
        },
    )


def _answer(
    batch: _Batch,
    detectors: Sequence[Detector],
    admitted: Sequence[Admitted],
    refused: Sequence[Refusal],
    known: dict[Key, Decision],
) -> Screened:
    fresh = batch.judged
    waiting = set(fresh)
    decisions: list[Decision] = []
    again: list[bool] = []
    for one in admitted:
        decision = known[one.key]
        decisions.append(decision)
        again.append(decision.item not in waiting)
        waiting.discard(decision.item)
    found = Counter(
        finding.kind.value for _, decided in fresh.values() for finding in decided.findings
    )
    return Screened(
        decisions=tuple(decisions),
        again=tuple(again),
        fresh=len(fresh),
        repeated=len(decisions) - len(fresh),
        refused=tuple(refused),
        findings=found.total(),
        found=dict(found),
        cases_opened=batch.gathered.opened,
        cases_extended=batch.gathered.extended,
        kept=batch.kept,
        no_detector=unseen(detectors, [decided.item for _, decided in fresh.values()]),
    )
