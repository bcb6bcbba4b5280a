"""The report on paper: what it says, that all of it can be searched, and that nothing on it is cut or lost."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from desktop.exports import EXPORTERS, ReportBundle
from desktop.exports.paper_report import qr_text
from desktop.exports.preview import pages
from desktop.i18n import Language
from desktop.imaging.geometry import Length
from desktop.records import (
    Annotation,
    AnnotationId,
    AnnotationKind,
    Decision,
    HumanName,
    Identifier,
    InstanceId,
    PartialDate,
    ReportContent,
    ReportedCount,
    SignedReport,
    SpacingSource,
    Verdict,
)
from tests.exports.samples import several

ENGLISH, CHINESE = (Language.ENGLISH,), (Language.CHINESE,)
BOTH = (Language.CHINESE, Language.ENGLISH)
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Film = npt.NDArray[np.uint8]

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (poppler-utils)")


def _render(
    report: SignedReport | ReportContent, film: Film | None = None, languages: tuple[Language, ...] = BOTH
) -> bytes:
    return EXPORTERS["pdf"].render(ReportBundle(report, film), languages)


def _sheets(pdf: bytes) -> list[str]:
    """What a reader of the PDF can search and copy, page by page."""
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    document = pypdfium2.PdfDocument(pdf)
    texts = []
    for page in document:
        text_page = page.get_textpage()
        texts.append(text_page.get_text_range().replace("\r\n", "\n"))
        text_page.close()
        page.close()
    document.close()
    return texts


def _text(pdf: bytes) -> str:
    return "\n".join(_sheets(pdf))


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


def _poppler_text(pdf: bytes, folder: Path) -> str:
    path = folder / "report.pdf"
    path.write_bytes(pdf)
    done = subprocess.run(["pdftotext", "-enc", "UTF-8", path, "-"], check=True, capture_output=True)
    lines = (re.sub(r" +", " ", line.strip()) for line in done.stdout.decode("utf-8").splitlines())
    return "\n".join(line for line in lines if line) + "\n"


@needs_poppler
@pytest.mark.parametrize(("name", "languages"), [("en", ENGLISH), ("zh", CHINESE), ("both", BOTH)])
def test_golden_text(
    report: SignedReport, film: Film, tmp_path: Path, name: str, languages: tuple[Language, ...]
) -> None:
    """The whole paper as pdftotext gives it back. WRITE_GOLDEN=1 writes it anew: then read what changed."""
    length = Length(98.4, "mm", SpacingSource.IMAGER_PIXEL_SPACING)
    bundle = ReportBundle(report, film, lengths={report.content.annotations[1].id: length})
    text = _poppler_text(EXPORTERS["pdf"].render(bundle, languages), tmp_path)
    golden = GOLDEN / f"report_{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8")
    changes = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "now", lineterm="")
    assert text == expected, "\n".join(changes)


@needs_poppler
def test_pdftotext_gives_back_every_character(report: SignedReport, tmp_path: Path) -> None:
    """All of GB 2312's 汉字 and the printable ASCII, next to each other in every mixture."""
    characters = [
        bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
    ]
    hanzi = "".join(character for character in characters if character)
    ascii_text = "".join(chr(code) for code in range(0x21, 0x7F))
    assert len(hanzi) == 6763
    findings = "\n".join(hanzi[start : start + 300] for start in range(0, len(hanzi), 300))
    mixed = "".join(f"{a}{b}" for a, b in zip(ascii_text * 3, hanzi, strict=False))
    pdf = _render(_changed(report, findings_text=findings, impression=f"{ascii_text}\n{mixed}"))
    for text in (_poppler_text(pdf, tmp_path), _text(pdf)):
        squeezed = _squeezed(text)
        for line in findings.splitlines():
            assert set(line) <= set(squeezed)
        assert mixed[:60] in squeezed
        assert ascii_text[:60] in squeezed


def _changed(report: SignedReport, **members: object) -> SignedReport:
    return replace(report, content=replace(report.content, **members), addenda=())  # type: ignore[arg-type]  # by name


def test_says_all_that_a_report_must_say(report: SignedReport, film: Film) -> None:
    text = _squeezed(_text(_render(report, film)))
    content = report.content
    for part in (
        content.clinic_name,
        "王小明",
        "男 male",
        "3岁 3 years",
        "2023-02-11",
        content.patient.card_number,
        "H-20931 (hospital)",
        "青霉素 penicillin (皮疹 rash)",
        "胸部 X 线 X-ray, chest",
        content.findings_text,
        content.impression,
        "可能性大 93%",
        "修改为：可能性大",
        "lobar, high fever",
        "医生先写下诊断意见，之后才看到模型的建议。",
        "chest-xray-child 1.0.0",
        content.model_sha256[:12],
        content.model_device,
        "not a certified medical device",
        "尚未经临床医生审阅",
        content.author_name,
        "2026-05-07 10:42 UTC+08:00",
        content.report,
        report.sha256[:16],
        str(content.audit_sequence),
        content.audit_head[:16],
        report.addenda[0].text,
        "盖章 Stamp",
    ):
        assert _squeezed(part) in text, part


def test_same_report_same_bytes(report: SignedReport, film: Film) -> None:
    assert _render(report, film) == _render(report, film)


def test_is_pdf_a_with_title_language_and_embedded_fonts(report: SignedReport) -> None:
    pdf = _render(report, languages=CHINESE)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>U</pdfaid:conformance>" in pdf
    assert re.search(rb"/Lang\s*\(zh-CN\)", pdf)
    assert "影像检查报告".encode("utf-16-be") in pdf or "影像检查报告".encode() in pdf
    assert b"/FontFile3" in pdf


def test_a_typical_report_is_one_page_in_every_language(report: SignedReport, film: Film) -> None:
    for languages in (ENGLISH, CHINESE, BOTH):
        assert len(pages(_render(report, film, languages), 20)) == 1
    tall = np.full((1500, 1100), 100, dtype=np.uint8)
    assert len(pages(_render(report, tall), 20)) == 1


def test_long_words_flow_on_and_every_page_names_the_patient(report: SignedReport, film: Film) -> None:
    findings = "\n".join(f"{number}. 右下肺野片状密度增高影 opacity number {number}" for number in range(150))
    unbroken = "X" * 400
    pdf = _render(_changed(report, findings_text=findings, impression=unbroken), film)
    sheets = pages(pdf, 20)
    assert len(sheets) >= 3
    text = _squeezed(_text(pdf))
    assert _squeezed(findings.splitlines()[149]) in text
    assert text.count("X" * 400) + text.count("X") >= 400
    heads = _text(pdf).count("王小明 · 000127-4 · 报告编号")
    assert heads == len(sheets) - 1
    assert f"{len(sheets)} / {len(sheets)}" in _text(pdf)


def _signed_on(sheets: list[str]) -> int:
    """The one page that holds the whole block of the signature, from the author to the stamp."""
    (found,) = [number for number, sheet in enumerate(sheets) if "盖章 Stamp" in sheet]
    assert "手写签名 Signature" in sheets[found]
    return found


@pytest.mark.parametrize("with_film", [True, False])
def test_the_signature_never_stands_alone_on_a_page(report: SignedReport, film: Film, with_film: bool) -> None:
    """However many lines the doctor wrote: what the model said, or more, stands on the page that is signed."""
    counts = set()
    for lines in range(10, 46, 2):
        findings = "\n".join(f"{number}. 右下肺野片状密度增高影 opacity number {number}" for number in range(lines))
        sheets = _sheets(_render(_changed(report, findings_text=findings), film if with_film else None))
        counts.add(len(sheets))
        assert _signed_on(sheets) == len(sheets) - 1
        assert "Model chest-xray-child 1.0.0" in sheets[-1], f"{lines} lines"
    assert counts == {1, 2}, "the page must turn among these lengths"


@pytest.mark.parametrize("with_film", [True, False])
def test_more_findings_than_a_page_holds_flow_on_and_the_notes_stay_with_the_signature(
    report: SignedReport, film: Film, with_film: bool
) -> None:
    finding = report.content.findings[2]
    findings = tuple(
        replace(finding, name_en=f"shadow {number}", name_zh=f"阴影 {number}", reason="seen on two films")
        for number in range(60)
    )
    sheets = _sheets(_render(_changed(report, findings=findings), film if with_film else None))
    assert len(sheets) > 2
    assert all(f"shadow {number}" in "\n".join(sheets) for number in range(60))
    assert _signed_on(sheets) == len(sheets) - 1
    assert "Model chest-xray-child 1.0.0" in sheets[-1]


def _inked_outside_margins(pdf: bytes, dpi: int = 60) -> bool:
    margin = int(7 / 25.4 * dpi)
    for sheet in pages(pdf, dpi):
        edge = sheet.copy()
        edge[margin:-margin, margin:-margin] = 255
        if (edge < 128).any():
            return True
    return False


def test_nothing_reaches_the_margin_a_printer_cuts(report: SignedReport, film: Film) -> None:
    wide = "W" * 300
    patient = replace(
        report.content.patient,
        names=(HumanName(text="W" * 120), HumanName(text="阿卜杜热合曼·买买提" * 10)),
        village=wide,
        phones=(wide,),
        identifiers=(Identifier(wide, wide),),
        card_number="1" * 60,
    )
    finding = replace(report.content.findings[2], name_en=wide, name_zh=wide, reason=wide)
    drawing = replace(report.content.annotations[0], label=wide)
    signed = _changed(
        report,
        patient=patient,
        clinic_name=wide,
        findings=(finding,),
        annotations=(drawing,),
        findings_text=wide,
        author_name=wide,
        model_device=wide,
    )
    assert not _inked_outside_margins(_render(signed, film))
    assert not _inked_outside_margins(_render(report, film))


@pytest.mark.parametrize(
    "words",
    [
        '#read("/etc/passwd")',
        "*bold* _slanted_ $x^2$ `raw` <label> @reference",
        "= heading\n- list\n+ list\n/ term: x",
        "\\ // /* [ ] { } #let x = 1 #sys.inputs.data",
        '"; DROP TABLE patients; --',
        "<script>alert('x')</script> &amp; {name} {0} %s",
    ],
)
def test_words_are_never_markup(report: SignedReport, words: str) -> None:
    patient = replace(report.content.patient, names=(HumanName(text=words.replace("\n", " ")),))
    signed = _changed(report, patient=patient, findings_text=words, clinic_name=words.replace("\n", " "))
    text = _squeezed(_text(_render(signed)))
    assert text.count(_squeezed(words)) >= 2


def test_characters_without_a_font_are_shown_as_missing_and_named(report: SignedReport) -> None:
    patient = replace(report.content.patient, names=(HumanName(text="😀𪚥\u202eA\u200d\ufe0fe\u0301"),))
    text = _text(_render(_changed(report, patient=patient), languages=ENGLISH))
    assert "〓〓A" in text
    assert "U+1F600" in text
    assert "U+2A6A5" in text
    assert "\u202e" not in text


def test_what_nobody_knows_is_said(report: SignedReport) -> None:
    patient = replace(
        report.content.patient, birth_date=None, allergies=(), identifiers=(), phones=(), village="", card_number=""
    )
    signed = _changed(
        report,
        patient=patient,
        age_months=None,
        age_days=None,
        study_date=None,
        findings_text=" ",
        model_name="",
        findings=(),
        annotations=(),
    )
    text = _text(_render(signed, languages=ENGLISH))
    assert "Allergies not recorded: ask" in text
    assert "Age not recorded" in text
    assert "Taken not recorded" in text
    assert "Nothing was written here." in text
    assert "No model looked at this examination." in text
    assert "SHA-256 )" not in text

    none_known = replace(patient, no_known_allergies=True, birth_date=PartialDate(2023, 2))
    text = _text(_render(_changed(report, patient=none_known), languages=ENGLISH))
    assert "Allergies no known allergies" in text
    assert "Born Feb 2023" in text
    assert "about 3 years" in text


def test_a_refusal_and_an_undecided_suggestion_are_said(report: SignedReport) -> None:
    refused = _changed(report, findings=(), model_refusal="report.nothing_written")
    assert "The model gave no suggestion: Nothing was written here." in _text(_render(refused, languages=ENGLISH))
    undecided = replace(report.content.findings[0], verdict=None, decided=None, probability=0.9961)
    text = _text(_render(_changed(report, findings=(undecided,), read_before_reveal=False), languages=ENGLISH))
    assert "undecided" in text
    assert ">99%" in text
    assert "could see the model's suggestion before" in text.replace("\n", " ")


def test_every_suggestion_stands_under_its_picture_and_model(report: SignedReport) -> None:
    several_films = replace(report, content=several(report.content))
    text = " ".join(_text(_render(several_films, languages=ENGLISH)).split())
    first, second = text.index("Picture 1: Chest X-ray, child"), text.index("Picture 2: Chest X-ray, child")
    assert first < text.index("accepted") < second < text.index("a fold of skin") < text.index("undecided", second)
    assert "Picture 2: Chest X-ray, adult (chest-xray-adult 1.0.0) · The model gave no suggestion" in text
    assert text.index("Added by the doctor") < text.index("old rib fracture")
    assert text.count("Model chest-xray-") == 2
    assert "图像 2：儿童胸片" in _text(_render(several_films))


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("decided", [None, *Decision])
def test_every_verdict_has_words(report: SignedReport, verdict: Verdict, decided: Decision | None) -> None:
    finding = replace(report.content.findings[0], verdict=verdict, decided=decided)
    assert "report." not in _text(_render(_changed(report, findings=(finding,))))


def test_a_draft_and_a_made_up_patient_are_marked(report: SignedReport, content: ReportContent) -> None:
    signed = _text(_render(report))
    assert "DRAFT" not in signed
    assert "SYNTHETIC" not in signed
    for draft in (ReportBundle(content), ReportBundle(report, draft=True)):
        text = _text(EXPORTERS["pdf"].render(draft, BOTH))
        assert "DRAFT: not signed" in text
        assert "草稿：尚未签名" in text
        assert report.sha256[:16] not in text
        assert "Addendum" not in text
    synthetic = _text(_render(replace(content, synthetic=True)))
    assert "此患者并非真人" in synthetic


def _film_on(sheet: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the one mid-grey area."""
    inside = np.abs(sheet[:, :, 0].astype(int) - 175) <= 4
    in_rows, in_columns = inside.sum(axis=1), inside.sum(axis=0)
    rows = np.flatnonzero(in_rows > in_rows.max() / 3)
    columns = np.flatnonzero(in_columns > in_columns.max() / 3)
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


@pytest.mark.parametrize(("rows", "columns"), [(400, 400), (1500, 1000), (600, 1200)])
def test_drawings_stand_where_they_were_drawn(report: SignedReport, rows: int, columns: int) -> None:
    """A rectangle's edges are found on the page at their place on the film, within half a millimetre."""
    left, top, right, bottom = 0.3 * columns, 0.4 * rows, 0.8 * columns, 0.7 * rows
    drawing = replace(report.content.annotations[0], points=((left, top), (right, bottom)), label="")
    film = np.full((rows, columns), 175, dtype=np.uint8)
    dpi = 150
    sheet = pages(_render(_changed(report, annotations=(drawing,)), film, ENGLISH), dpi)[0]
    y0, x0, y1, x1 = _film_on(sheet)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(columns / rows, rel=0.02)
    white = sheet[y0:y1, x0:x1, 0] > 215
    across = np.flatnonzero(white.mean(axis=1) > 0.4)
    down = np.flatnonzero(white.mean(axis=0) > 0.2)
    half_millimetre = dpi / 25.4 / 2
    assert abs(across[0] - 0.4 * (y1 - y0)) < half_millimetre + 2
    assert abs(across[-1] - 0.7 * (y1 - y0)) < half_millimetre + 2
    assert abs(down[0] - 0.3 * (x1 - x0)) < half_millimetre + 2
    assert abs(down[-1] - 0.8 * (x1 - x0)) < half_millimetre + 2


def test_drawings_on_other_pictures_and_removed_ones_are_left_out(report: SignedReport, film: Film) -> None:
    own = report.content.annotations[0]
    other = Annotation(
        AnnotationId("5d0a2f8c-3c39-44f0-8f63-25a9f4a5b199"),
        InstanceId("1c1e4f5e-40a4-4d27-b2c2-6df0ce6a4f99"),
        AnnotationKind.LENGTH,
        ((0.0, 0.0), (10.0, 10.0)),
        "elsewhere",
        own.author,
        own.created,
    )
    removed = replace(own, deleted=True, label="removed")
    signed = _changed(report, annotations=(own, other, removed))
    text = _text(EXPORTERS["pdf"].render(ReportBundle(signed, film, own.instance), ENGLISH))
    assert "opacity 片状影" in text
    assert "elsewhere" not in text
    assert "removed" not in text


def test_lengths_say_their_unit_and_where_it_comes_from(report: SignedReport, film: Film) -> None:
    drawing = report.content.annotations[1].id
    for source in SpacingSource:
        bundle = ReportBundle(report, film, lengths={drawing: Length(98.44, "mm", source)})
        assert "98.4 mm" in _text(EXPORTERS["pdf"].render(bundle, ENGLISH))
    in_pixels = ReportBundle(report, film, lengths={drawing: Length(140.2, "px")})
    assert "140 px (the file gives no scale)" in _text(EXPORTERS["pdf"].render(in_pixels, ENGLISH))


def test_prints_in_black_and_white(report: SignedReport, film: Film) -> None:
    (sheet,) = pages(_render(report, film), 72)
    assert int((sheet.max(axis=2) - sheet.min(axis=2)).max()) <= 2


def test_qr_code_names_report_hash_and_audit_line(report: SignedReport) -> None:
    content = report.content
    assert qr_text(report).lower().split(":") == [
        "lantern-report",
        "1",
        content.report,
        report.sha256,
        str(content.audit_sequence),
        content.audit_head,
    ]


def test_leaves_nothing_on_the_disk(
    report: SignedReport, film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("TMPDIR", "TEMP", "TMP", "HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    sys.addaudithook(lambda event, values: opened.append(str(values)) if event == "open" and _writes(values) else None)
    _render(report, film)
    assert list(tmp_path.iterdir()) == []
    assert opened == []


def _writes(values: tuple[object, ...]) -> bool:
    mode = values[1] if len(values) > 1 else None
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


@pytest.mark.parametrize(
    ("languages", "words"), [(ENGLISH, ("Electrocardiogram report",)), (CHINESE, ("心电图报告", "心电图所见"))]
)
def test_an_electrocardiogram_is_called_one_and_has_the_whole_width(
    report: SignedReport, languages: tuple[Language, ...], words: tuple[str, ...]
) -> None:
    trace = np.zeros((400, 800), np.uint8)
    pdf = _render(_changed(report, modality="ECG", findings=(), model_name=""), trace, languages)
    text = _squeezed(_text(pdf))
    assert all(_squeezed(one) in text for one in words)
    assert "影像" not in text
    (page,) = pages(pdf, 30)
    black = (page.mean(axis=2) < 60).sum(axis=0) > page.shape[0] / 6
    assert black.mean() > 0.75


def test_a_count_says_how_many_and_of_what(report: SignedReport, film: Film) -> None:
    points = ((40.0, 50.0), (60.0, 70.0), (80.0, 90.0))
    drawing = replace(report.content.annotations[0], kind=AnnotationKind.COUNT, points=points, label="Ring forms")
    text = _squeezed(_text(_render(_changed(report, annotations=(drawing,)), film, ENGLISH)))
    assert "Count3·Ringforms" in text


def test_what_the_model_counted_is_told_with_how_far_it_may_be_off(report: SignedReport, film: Film) -> None:
    counts = (ReportedCount("red_cell", "Red cells", "红细胞", 123, 110, 140), ReportedCount("b", "Other", "其他", 0))
    counted = _changed(report, findings=(), counts=counts)
    english = _squeezed(_text(_render(counted, film, ENGLISH)))
    assert "Redcells123(110–140);Other0." in english
    assert "notonebyonebythedoctor" in english
    assert "红细胞123（110至140）；其他0。" in _squeezed(_text(_render(counted, film)))
