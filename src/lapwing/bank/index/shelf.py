"""All indicators of one kind, in layers, so that a small change to millions costs little.

A layer is indexed once. What is withdrawn from it is only marked; what is added makes a layer of
its own. Small layers are joined at once; what is larger waits for `tidied`, which somebody calls
who has the time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lapwing.bank.index.columns import Columns
from lapwing.bank.index.exact import TEXT_KEY_BYTES
from lapwing.bank.index.hits import HASH_WIDTHS
from lapwing.bank.index.layers import Layer, Rows, Standing
from lapwing.model.indicators import IndicatorKind

JOIN_FACTOR = 8
"""An older layer is kept apart while it is at least this many times the size of a younger one."""
JOIN_AT_ONCE = 16_384
"""Rows that a change may index anew: about a millisecond."""
_MAY_BE_JOINED = JOIN_AT_ONCE * JOIN_FACTOR // (JOIN_FACTOR + 1)
"""Rows up to which a layer may meet a younger one that it is joined with at once."""


class Found(Struct, frozen=True):
    """Candidates, ordered by query, distance, id; `columns` holds their rows."""

    query_no: NDArray[np.int64]
    distance: NDArray[np.int32]
    columns: Columns


class Shelf:
    """Frozen; a change makes another one that shares the layers that it left alone."""

    def __init__(self, kind: IndicatorKind, layers: tuple[Standing, ...] = ()) -> None:
        self.kind = kind
        self._layers = layers

    @classmethod
    def of(cls, layer: Layer) -> Shelf:
        """With this layer alone, all of it standing."""
        return cls(layer.kind, (Standing.whole(layer),))

    def __len__(self) -> int:
        return sum(standing.count for standing in self._layers)

    @property
    def layers(self) -> tuple[Standing, ...]:
        """Oldest first."""
        return self._layers

    def changed(self, gone: NDArray[np.int64], added: Columns | None) -> Shelf:
        """Without the ids in `gone` and with the rows of `added`; an id may be in both."""
        layers = [standing.without(gone) for standing in self._layers]
        if added is not None and len(added):
            layers.append(Standing.whole(Layer.build(self.kind, added)))
        return Shelf(self.kind, tuple(_joined(self.kind, layers, JOIN_AT_ONCE)))

    def merged(self) -> Layer | None:
        """All that stands as one layer, None for nothing; takes as long as indexing it."""
        layers = self._layers
        if len(layers) == 1 and not len(layers[0].gone):
            return layers[0].layer
        if not len(self):
            return None
        return Layer.build(self.kind, Columns.joined([each.columns() for each in layers]))

    def tidied(self) -> Shelf:
        """The same indicators in fewer layers; this shelf when they are few.

        Takes as long as indexing what is joined. Layers that a change may join at once are left,
        and so is a layer in a file, which no process may come to hold for itself alone.
        """
        last = len(self._layers)
        first = next((n for n, each in enumerate(self._layers) if not each.layer.mapped), last)
        while last > first and self._layers[last - 1].count <= _MAY_BE_JOINED:
            last -= 1
        joined = _joined(self.kind, list(self._layers[first:last]), None)
        if [each.layer for each in joined] == [one.layer for one in self._layers[first:last]]:
            return self
        return Shelf(self.kind, (*self._layers[:first], *joined, *self._layers[last:]))

    def apart(self) -> int:
        """Indicators added to the layer in a file, or withdrawn from it."""
        return sum(len(each.gone) if each.layer.mapped else each.count for each in self._layers)

    def caught_up(self, before: Shelf, tidied: Shelf) -> Shelf:
        """`tidied`, which was made of `before`, with what changed from `before` to this shelf.

        This shelf itself when a layer that was tidied away has meanwhile been made anew.
        """
        now = {id(each.layer): each for each in self._layers}
        old = {id(each.layer) for each in before.layers}
        done = old - {id(each.layer) for each in tidied.layers}
        if not done <= now.keys():
            return self
        lost = np.concatenate([np.empty(0, np.int64), *(now[layer].withdrawn() for layer in done)])
        kept = [
            now.get(id(each.layer)) if id(each.layer) in old else each.without(lost)
            for each in tidied.layers
        ]
        later = [each for each in self._layers if id(each.layer) not in old]
        return Shelf(self.kind, (*(each for each in kept if each is not None), *later))

    def holds_any_of(self, allowed: NDArray[np.bool_]) -> bool:
        """Whether any indicator belongs to a list that `allowed` (one flag a list) names."""
        return any(
            bool(standing.per_list[allowed[: len(standing.per_list)]].any())
            for standing in self._layers
        )

    def near(self, codes: NDArray[np.uint8], radius: int) -> Found:
        """Within `radius` bits of `codes: uint8[m, 32]`; perceptual kinds only."""
        return self._gather([each.choose(each.layer.near(codes, radius)) for each in self._layers])

    def equal(self, values: Sequence[bytes]) -> Found:
        """Equal to one of the values, at distance 0."""
        return self._gather([each.choose(each.layer.equal(values)) for each in self._layers])

    def _gather(self, rows: list[Rows]) -> Found:
        """One answer from the answers of the layers."""
        chosen = [
            (found, standing.layer.columns.at(found[1]))
            for found, standing in zip(rows, self._layers, strict=True)
            if len(found[1])
        ]
        if not chosen:
            empty = Columns.empty(HASH_WIDTHS.get(self.kind, TEXT_KEY_BYTES))
            return Found(np.empty(0, np.int64), np.empty(0, np.int32), empty)
        query_no = np.concatenate([found[0] for found, _ in chosen])
        distance = np.concatenate([found[2] for found, _ in chosen])
        columns = Columns.stacked([columns for _, columns in chosen])
        order = np.lexsort((columns.ids, distance, query_no))
        return Found(query_no[order], distance[order], columns.at(order))


def _joined(kind: IndicatorKind, layers: list[Standing], most: int | None) -> list[Standing]:
    """Oldest and largest first, each much larger than the next, none mostly withdrawn, as far as
    that takes no new layer of more than `most` rows."""
    groups: list[list[Standing]] = []
    for standing in layers:
        group = [standing]
        while groups and _belong(_count(groups[-1]), _count(group), most):
            group = [*groups.pop(), *group]
        groups.append(group)
    return [made for group in groups for made in _made(kind, group, most)]


def _belong(older: int, younger: int, most: int | None) -> bool:
    return older < JOIN_FACTOR * younger and (most is None or older + younger <= most)


def _made(kind: IndicatorKind, group: list[Standing], most: int | None) -> list[Standing]:
    """The group as one layer, or as none where nothing of it stands."""
    count = _count(group)
    if not count:
        return []
    mostly_gone = 2 * count < sum(len(part.layer) for part in group)
    if len(group) == 1 and (not mostly_gone or (most is not None and count > most)):
        return group
    columns = Columns.joined([part.columns() for part in group])
    return [Standing.whole(Layer.build(kind, columns))]


def _count(group: list[Standing]) -> int:
    return sum(standing.count for standing in group)
