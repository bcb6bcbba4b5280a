"""Records of one person brought together, and apart again.

The record that is merged away stays as it is. What the kept record took over is a fold over its merges: undoing one,
in any order, leaves what the others gave, and what a person edited since stays as edited.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.errors import ErrorKind, UserFacingError
from desktop.records import (
    MergeId,
    Patient,
    PatientField,
    PatientId,
    PatientMerge,
    Side,
    combined,
    values_of,
    with_field,
)
from desktop.store.canonical import canonical_bytes, from_canonical
from desktop.store.patients import Patients
from desktop.store.rows import Rows, decoded
from desktop.store.standing import group, open_key, own_key, top_key

MERGE = "patient_merge"


@dataclass(frozen=True)
class StoredMerge:
    """What a row holds. before, after: stored bytes of the kept record; gone: those of the other one, at that time."""

    merge: PatientMerge
    before: bytes
    after: bytes
    gone: bytes


@dataclass(frozen=True)
class _Layer:
    """A merge into one record. undone: row of the undoing, None while it holds."""

    key: int
    undone: int | None
    stored: StoredMerge
    before: Patient
    gone: Patient

    def holds_at(self, key: int) -> bool:
        """Whether it held when the row of that number was written."""
        return self.key < key and (self.undone is None or self.undone > key)


class Merges:
    """The rows of patient_merges. They only grow: undoing is a row too."""

    def __init__(self, rows: Rows, patients: Patients) -> None:
        self._rows = rows
        self._patients = patients

    def merge(self, merge: PatientMerge) -> Patient:
        """Let the kept record stand for the other one, with the chosen fields; returns it.

        Raises UserFacingError `store.patient_not_found`, `store.patient_merged` for a record that another one stands
        for already.
        """
        kept, gone = open_key(self._rows, merge.kept), open_key(self._rows, merge.gone)
        before, other = self._patients.stored(kept), self._patients.stored(gone)
        old = from_canonical(Patient, before)
        new = combined(old, from_canonical(Patient, other), {choice.field: choice.side for choice in merge.choices})
        after = before if new == old else canonical_bytes(new)
        self._keep(StoredMerge(merge, before, after, other), kept, gone)
        self._rows.run("UPDATE patients SET merged_into = ? WHERE key = ?", (kept, gone))
        if after != before:
            self._patients.write(kept, new, after)
        self._patients.index_again(gone)
        self._patients.index_again(kept)
        return new

    def undo(self, undo: PatientMerge) -> Patient:
        """Bring a merge apart. The record that was gone stands for itself again; the kept one loses what it took over
        and nobody has changed since; returns it as it then is.

        undo: names the merge in `undoes`. Raises UserFacingError `store.merge_not_found`, `store.merge_undone`.
        """
        assert undo.undoes is not None
        self.get(undo.undoes)
        if self._rows.one("SELECT 1 FROM patient_merges WHERE undoes = ?", (undo.undoes,)) is not None:
            raise UserFacingError("store.merge_undone", kind=ErrorKind.BAD_INPUT)
        kept, gone = own_key(self._rows, undo.kept), own_key(self._rows, undo.gone)
        before = self._patients.stored(kept)
        after = self._without(kept, undo.undoes, before)
        self._keep(StoredMerge(undo, before, after, self._patients.stored(gone)), kept, gone)
        self._rows.run("UPDATE patients SET merged_into = NULL WHERE key = ?", (gone,))
        new = from_canonical(Patient, after)
        if after != before:
            self._patients.write(kept, new, after)
        self._patients.index_again(gone)
        for key in {kept, top_key(self._rows, kept)}:
            self._patients.index_again(key)
        return new

    def get(self, merge: MergeId) -> PatientMerge:
        """Raises UserFacingError `store.merge_not_found`."""
        row = self._rows.one("SELECT record FROM patient_merges WHERE id = ?", (merge,))
        return decoded(StoredMerge, row, "store.merge_not_found").merge

    def find(self, merge: MergeId) -> PatientMerge | None:
        """The merge of that id that was not itself an undoing, None where there is none."""
        row = self._rows.one("SELECT record FROM patient_merges WHERE id = ? AND undoes IS NULL", (merge,))
        return from_canonical(StoredMerge, row[0]).merge if row else None

    def holding(self, gone: PatientId) -> PatientMerge | None:
        """The merge by which another record stands for this one, None where none holds.

        Raises UserFacingError `store.patient_not_found`.
        """
        row = self._rows.one(
            "SELECT record FROM patient_merges AS merge WHERE gone = ? AND undoes IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM patient_merges WHERE undoes = merge.id) ORDER BY key DESC LIMIT 1",
            (own_key(self._rows, gone),),
        )
        return from_canonical(StoredMerge, row[0]).merge if row else None

    def of_person(self, patient: PatientId) -> list[PatientMerge]:
        """The merges that hold among a person's records, the oldest first. Raises as `holding`."""
        keys = group(self._rows, top_key(self._rows, own_key(self._rows, patient)))
        found = [self.holding(self._id(key)) for key in keys[1:]]
        return sorted((merge for merge in found if merge is not None), key=lambda merge: merge.decided)

    def history(self, patient: PatientId) -> list[PatientMerge]:
        """Every merge and undoing that exactly this record took part in, the oldest first. Raises as `holding`."""
        key = own_key(self._rows, patient)
        rows = self._rows.all("SELECT record FROM patient_merges WHERE kept = ? OR gone = ? ORDER BY key", (key, key))
        return [from_canonical(StoredMerge, row[0]).merge for row in rows]

    def _keep(self, stored: StoredMerge, kept: int, gone: int) -> None:
        merge = stored.merge
        self._rows.run(
            "INSERT INTO patient_merges (id, kept, gone, undoes, record) VALUES (?, ?, ?, ?, ?)",
            (merge.id, kept, gone, merge.undoes, self._rows.written(MERGE, merge.id, stored)),
        )

    def _without(self, kept: int, undone: MergeId, current: bytes) -> bytes:
        """The kept record's bytes once that merge is undone."""
        layers = self._layers(kept)
        now = frozenset(layer.key for layer in layers if layer.undone is None)
        then = frozenset(layer.key for layer in layers if layer.undone is None and layer.stored.merge.id != undone)
        old = new = from_canonical(Patient, current)
        for field in PatientField:
            edited = _edited(field, layers)
            expected = _folded(field, layers, edited, now)
            if values_of(old, field) == values_of(expected, field):
                new = with_field(new, field, _folded(field, layers, edited, then))
        if new == old:
            return current
        # A record that was exactly so before comes back as the very bytes it was.
        return next((layer.stored.before for layer in layers if layer.before == new), canonical_bytes(new))

    def _layers(self, kept: int) -> list[_Layer]:
        rows = self._rows.all(
            "SELECT merge.key, undo.key, merge.record FROM patient_merges AS merge "
            "LEFT JOIN patient_merges AS undo ON undo.undoes = merge.id "
            "WHERE merge.kept = ? AND merge.undoes IS NULL ORDER BY merge.key",
            (kept,),
        )
        layers = []
        for key, undone, record in rows:
            stored = from_canonical(StoredMerge, record)
            before, gone = from_canonical(Patient, stored.before), from_canonical(Patient, stored.gone)
            layers.append(_Layer(key, undone, stored, before, gone))
        return layers

    def _id(self, key: int) -> PatientId:
        row = self._rows.one("SELECT id FROM patients WHERE key = ?", (key,))
        assert row is not None
        return PatientId(row[0])


def _edited(field: PatientField, layers: Sequence[_Layer]) -> list[bool]:
    """For each merge, whether it found something else in `field` than its forerunners had left: a person had edited it
    in between."""
    edited: list[bool] = []
    for place, layer in enumerate(layers):
        earlier = layers[:place]
        held = frozenset(one.key for one in earlier if one.holds_at(layer.key))
        expected = _folded(field, earlier, edited, held) if earlier else layer.before
        edited.append(values_of(layer.before, field) != values_of(expected, field))
    return edited


def _folded(field: PatientField, layers: Sequence[_Layer], edited: Sequence[bool], holding: frozenset[int]) -> Patient:
    """A record whose `field` is as the merges of the rows in `holding` leave it, on top of what stood there before the
    first. From where a person had edited the field, it goes on with what was found."""
    value = layers[0].before
    for layer, by_hand in zip(layers, edited, strict=True):
        if by_hand:
            value = layer.before
        if layer.key in holding:
            side = next((choice.side for choice in layer.stored.merge.choices if choice.field is field), Side.FIRST)
            value = combined(value, layer.gone, {field: side})
    return value


def merge_faults(rows: Rows) -> list[str]:
    """Ids of patients whose row stands under another one, or for itself, when the merges say otherwise."""
    found = rows.all(
        """SELECT patients.id FROM patients LEFT JOIN
             (SELECT gone, kept FROM patient_merges AS merge WHERE undoes IS NULL
              AND NOT EXISTS (SELECT 1 FROM patient_merges WHERE undoes = merge.id)) AS holding
             ON holding.gone = patients.key
           WHERE (patients.merged_into IS NOT NULL OR holding.kept IS NOT NULL)
             AND patients.merged_into IS NOT holding.kept"""
    )
    return [row[0] for row in found]
