"""Counting by hand: what a tally says after marks are set, taken back, removed, renamed and read again."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from desktop.imaging.counting import CountClass, Counting, begun

NAMES = ("Red", "White", "Platelets")


def test_marks_are_counted_by_class_and_taken_back_in_order() -> None:
    counting = begun((), NAMES).placed((1, 1)).placed((2, 2)).chosen(1).placed((3, 3))
    assert [(share.name, share.count) for share in counting.shares()] == [("Red", 2), ("White", 1)]
    assert [share.percent for share in counting.shares()] == pytest.approx([200 / 3, 100 / 3])
    back = counting.chosen(0).undone()
    assert [share.name for share in back.shares()] == ["Red"]
    assert back.undone().undone().total == 0
    assert back.undone().undone().undone().total == 0


def test_the_nearest_mark_of_any_class_is_removed_within_reach() -> None:
    counting = begun((), NAMES).placed((10, 10)).chosen(1).placed((14, 10))
    assert counting.without((13, 10), 5).shares()[0].name == "Red"
    assert counting.without((13, 10), 0.5) == counting
    gone = counting.without((13, 10), 5)
    assert gone.undone().total == 0, "a removed mark is not taken back a second time"


def test_a_count_is_opened_again_as_it_was_left() -> None:
    on_record = (CountClass("White", ((1, 2),)), CountClass("Ring forms", ((3, 4), (5, 6))))
    again = begun(on_record, NAMES)
    assert [one.name for one in again.classes] == ["White", "Ring forms", "Red", "Platelets"]
    assert again.total == 3
    assert [one.name for one in begun(on_record[:1], (), ("1", "2", "3")).classes] == ["White", "2", "3"]
    assert again.chosen(1).undone().classes[1].points == ((3, 4),)


def test_names_are_kept_tidy_and_never_empty() -> None:
    counting = begun((), NAMES).named(0, "  ring   forms ")
    assert counting.classes[0].name == "ring forms"
    assert counting.named(0, "  ") == counting
    assert counting.chosen(7) == counting
    with pytest.raises(ValueError):
        Counting(())


@pytest.mark.data
def test_a_field_that_others_counted_comes_to_their_numbers(shared_data: Path) -> None:
    """A click in the middle of each box of a real field of blood: the tally is the data set's own count."""
    with (shared_data / "blood_cells" / "boxes.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    field = [row for row in rows if row["image"] == rows[0]["image"]]
    labels = sorted({row["label"] for row in field})
    counting = begun((), labels)
    for row in field:
        middle = (int(row["xmin"]) + int(row["xmax"])) / 2, (int(row["ymin"]) + int(row["ymax"])) / 2
        counting = counting.chosen(labels.index(row["label"])).placed(middle)
    told = {share.name: share.count for share in counting.shares()}
    assert told == Counter(row["label"] for row in field)
    assert counting.total == len(field) > 5
