"""`analyse` on rows of values: one line each, in order, the parts adding up, and a sentence for whatever is wrong."""

import json
import math
from typing import Any

import numpy as np
from PIL import Image

from tests.cli.helpers import Lantern

ROW: dict[str, Any] = {
    "pregnancies": 2,
    "glucose_2h": 150,
    "diastolic_bp": 70,
    "skinfold": None,
    "insulin_2h": None,
    "bmi": 33.1,
    "pedigree": 0.4,
    "age": 41,
}
MODEL = "risk-diabetes"


def asked(lantern: Lantern, *lines: object, model: str | None = MODEL) -> list[dict[str, Any]]:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    named = ("--model", model) if model else ()
    return lantern.run("analyse", "--batch", *named, stdin=text).lines


def test_rows_are_answered_in_order_and_add_up(lantern: Lantern) -> None:
    first, second = asked(lantern, {"id": "a", "values": ROW}, {"id": 7, "values": {**ROW, "glucose_2h": 90}})
    assert (first["id"], second["id"], first["status"], first["model"]) == ("a", 7, "ok", MODEL)
    assert "file" not in first
    (finding,) = first["findings"]
    assert list(finding["contributions"]) == list(ROW)
    total = finding["baseline"] + sum(finding["contributions"].values())
    assert abs(1 / (1 + math.exp(-total)) - finding["probability"]) < 0.002
    assert finding["key"] == "diabetes"
    assert second["findings"][0]["probability"] < finding["probability"]
    assert {"beats", "episodes", "boxes", "counts", "masks", "quality", "device", "sha256"} <= first.keys()


def test_the_columns_decide_which_model_answers(lantern: Lantern) -> None:
    (line,) = asked(lantern, {"id": "a", "values": ROW}, model=None)
    assert (line["model"], line["status"]) == (MODEL, "ok")
    (line,) = asked(lantern, {"id": "b", "values": {"height": 3}}, model=None)
    assert (line["id"], line["model"], line["status"]) == ("b", None, "refused")


def test_what_is_not_known_is_named(lantern: Lantern) -> None:
    (line,) = asked(lantern, {"id": "a", "values": {"age": 41, "bmi": 30}})
    (finding,) = line["findings"]
    assert finding["decision"] == "cannot_say"
    assert "glucose_2h" in finding["reason"]


def test_wrong_rows_are_said_and_the_rest_still_run(lantern: Lantern) -> None:
    text = [
        {"id": 1, "values": {**ROW, "bmi": "high"}},
        {"id": 2, "values": {**ROW, "sugar": 3}},
        {"id": 3, "values": [1, 2]},
        {"id": 4, "values": {"age": {"years": 3}}},
        {"id": 5, "values": {"age": True}},
        "{",
        '{"id": NaN, "values": {"age": 30}}',
        {"id": 8, "values": ROW, "sex": "unknowable"},
        {"id": 6, "values": ROW},
    ]
    answer = lantern.run(
        "analyse",
        "--batch",
        "--model",
        MODEL,
        stdin="".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in text),
    )
    assert answer.code == 1
    assert [line["status"] for line in answer.lines] == ["error", "refused", *["error"] * 6, "ok"]
    assert "bmi" in answer.lines[0]["reason"]
    assert "sugar" in answer.lines[1]["reason"]


def test_a_row_for_a_model_of_films_is_refused_and_a_film_for_one_of_rows(lantern: Lantern) -> None:
    answer = lantern.run(
        "analyse", "--batch", "--model", "chest-xray-child", stdin=json.dumps({"id": 1, "values": ROW}) + "\n"
    )
    assert (answer.code, answer.only["status"], answer.only["model"]) == (0, "refused", "chest-xray-child")
    film = lantern.folder / "film.png"
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (160, 1))).save(film)
    answer = lantern.run("analyse", film, "--model", MODEL)
    assert (answer.code, answer.only["status"], answer.only["file"]) == (0, "refused", str(film))
