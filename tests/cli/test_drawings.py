"""Drawings and key images on the command line: drawn, listed, written for other programs, brought in elsewhere."""

from __future__ import annotations

import hashlib
import zipfile

from tests.cli.helpers import Lantern
from tests.cli.test_clinic import add
from tests.exports.drawn import film_bytes

LINE = {
    *("id", "instance", "instance_uid", "frame", "kind", "points", "label", "author", "created"),
    *("measurements", "stated", "origin"),
}


def test_drawings_leave_one_record_and_reach_another(lantern: Lantern) -> None:
    film = lantern.file("film.dcm", film_bytes())
    given = ("--accept-mismatch", "a test")
    study = str(lantern.run("import", film, "--patient", add(lantern), *given).only["study"])
    empty = lantern.run("export", study, "--format", "gsps", "--out", lantern.folder / "x.dcm")
    assert (empty.code, empty.only["kind"]) == (1, "bad_input")
    points = ("--points", "1.25,2", "21.25,2")
    drawn = lantern.run("annotations", "add", "--study", study, "--kind", "length", *points, "--label", "影").only
    marked = lantern.run("key-images", "add", "--study", study).only
    files = [lantern.folder / "tid1500.dcm", lantern.folder / "ko.dcm"]
    for out in files:
        written = lantern.run("export", study, "--format", out.stem, "--out", out).only
        assert written == {"file": str(out), "sha256": hashlib.sha256(out.read_bytes()).hexdigest()}

    # The drawings stand first in the archive; the picture they are on comes after them.
    archive = lantern.folder / "all.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for place, path in enumerate((*files, film)):
            target.write(path, f"{place}.dcm")
    taken = lantern.run("import", archive, "--patient", add(lantern, name=[{"text": "Other"}]), *given)
    assert [line["status"] for line in taken.lines] == ["ok"] * 3, taken
    there = str(taken.lines[0]["study"])
    (theirs,) = lantern.run("annotations", "list", "--study", there).lines
    assert theirs.keys() == LINE
    same = ("kind", "points", "label", "frame", "instance_uid", "measurements")
    assert [theirs[name] for name in same] == ["length", [[1.25, 2.0], [21.25, 2.0]], "影", 1, "1.2.3.4.5", []]
    assert theirs["stated"] == ["Length 4 mm (Scale: Imager Pixel Spacing, at the detector)"]
    assert (theirs["origin"]["source"], theirs["origin"]["observer"]) == ("石桥村卫生室, Lantern", "li")
    hidden = lantern.run("annotations", "hide", theirs["id"], "--study", there)
    assert hidden.only == {"id": theirs["id"]}
    assert lantern.run("annotations", "list", "--study", there).lines == []
    (key,) = lantern.run("key-images", "list", "--study", there).lines
    assert (key["instance"], key["origin"]["format"]) == (theirs["instance"], "key_images")
    assert {drawn["id"], marked["id"]}.isdisjoint({theirs["id"], key["id"]})
