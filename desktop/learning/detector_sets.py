"""What each detector learns to find, in what, and what has to be said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.inference.detection_decoding import STRIDE

Words = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """Something that is boxed. key: slug in the answer. labels: the words of the table for it."""

    key: str
    labels: Sequence[str]
    name: Words
    codings: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Graded:
    """The finding that a kind's count grades: as many grades above 0 as cuts. key: slug. kind: number of the kind."""

    key: str
    name: Words
    kind: int
    cuts: Sequence[int]
    codings: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Strangers:
    """Photographs that are none of those a model is made for: how many it refuses stands on its card. places: a glob
    below the data folder. scale: they are made smaller by that, so that things on them are as small as it knows them.
    """

    name: str
    places: str
    scale: float = 1.0


@dataclass(frozen=True)
class DetectorSet:
    """A model that boxes things on photographs of one sort, and the data it learns from.

    version: of what its recipe makes; raised with whatever changes the weights. folder: below the data folder; holds
    `boxes.csv` (image or file, label, xmin, ymin, xmax, ymax in pixels) and `images`. width, height: the prepared
    picture, multiples of 16. group: the column of `labels.csv` (file, …) that says which photographs stay on one side
    of a split; without that table run neighbours by name stay together, as they may come from one slide. unsure: words
    of the table for what may be of any kind. each_once: the kinds are two sorts of one thing, which is found first and
    then told apart. graded: the finding, where there is one. stain: between what a photograph's `staining` lies.
    research: it makes a research pack. elsewhere: what is known of photographs of other laboratories, for the card.
    strangers: photographs of other kinds to ask it about. least_precision, most_off: the goals of the mean average
    precision and of the counts, as shares, where they are such. rim_apart: what the rim of a photograph cuts was drawn
    less often, so that its boxes are calibrated by themselves. tried: what was tried, for the card.
    """

    model: str
    version: str
    title: Words
    intended_use: Words
    caution: Words
    source: Words
    kinds: Sequence[Kind]
    folder: str
    width: int
    height: int
    golden: str
    data: Sequence[Mapping[str, str]]
    published: str
    goals: str
    run: int = 1
    group: str = ""
    unsure: Sequence[str] = ()
    each_once: bool = False
    graded: Graded | None = None
    stain: tuple[float | None, float | None] | None = None
    research: bool = False
    elsewhere: str = "It was never tried on photographs from elsewhere."
    strangers: Sequence[Strangers] = ()
    least_precision: float = 0.0
    most_off: float = float("inf")
    rim_apart: bool = False
    tried: str = ""

    @property
    def stride(self) -> int:
        """Pixels of the prepared picture per cell of the maps: what is told apart is found at half the resolution."""
        return 2 * STRIDE if self.each_once else STRIDE


BLOOD_CELLS = DetectorSet(
    model="blood-cells",
    version="1.1.0",
    title={"en": "Blood smear: cells counted", "zh": "血涂片：细胞计数"},
    intended_use={
        "en": "Boxes and counts red cells, white cells and platelets on a colour photograph of one field of a stained "
        "thin blood smear, to save counting by hand. It does not tell kinds of white cells apart, finds no parasites, "
        "and one field is no blood count.",
        "zh": "在一张染色薄血涂片的彩色视野照片上框出并清点红细胞、白细胞和血小板，以省去人工计数。"
        "它不区分白细胞种类，不查找寄生虫，一个视野也不能代替血常规。",
    },
    caution={
        "en": "All photographs are from one laboratory and one camera, their cells about as large on the picture and "
        "stained alike; larger cells on the picture are missed, and so are smaller ones, unless the file has the "
        "pixels to look in tiles, which was only tried on photographs put together. Platelets in clumps are counted as "
        "few. What people drew differs: nearly every red cell and parts of clumps on some photographs, few or none "
        "on others, so that the figures of red cells tell as much of the drawing as of the model. Whose blood it was "
        "is not published, so photographs of one person may stand on both sides of a split.",
        "zh": "所有照片来自同一实验室和同一台相机，放大倍数和染色相近；画面上较大的细胞会漏检；"
        "较小的也会漏检，除非文件像素足够、可分块查看，而分块只在拼接的照片上试过。"
        "成堆的血小板会被少数。各照片的人工标注尺度不一：有的几乎标出每个红细胞乃至重叠部分，有的很少标或不标，"
        "因此红细胞的数字既反映模型，也反映标注。数据未公开每张照片属于谁，因此同一人的照片可能出现在训练和评测两边。",
    },
    source={
        "en": "{n} photographs of stained blood smears with {boxes} boxes",
        "zh": "{n} 张染色血涂片照片中的 {boxes} 个标注框",
    },
    kinds=(
        Kind("red_cell", ("RBC",), {"en": "Red cell", "zh": "红细胞"}),
        Kind("white_cell", ("WBC",), {"en": "White cell", "zh": "白细胞"}),
        Kind("platelet", ("Platelets",), {"en": "Platelet", "zh": "血小板"}),
    ),
    folder="blood_cells",
    width=320,
    height=240,
    golden="smear-field/1",
    data=(
        {
            "name": "BCCD (Blood Cell Count and Detection) data set",
            "licence": "MIT",
            "credit": "Shenggan and cosmicad, BCCD_Dataset.",
        },
    ),
    published="Published for detectors of the YOLO kind on this data set, its own split: about 0.90 to 0.93.",
    goals="mAP at 0.5 of 0.90 and counts wrong by 5 % at most",
    run=6,
    least_precision=0.90,
    most_off=0.05,
    rim_apart=True,
    tried="""What the rim of a photograph may cut, to two pixels of the prepared picture (half a cell of the maps), was
drawn about half as often as what lies within it and scores the same: such boxes are calibrated by themselves. That
distance was taken for the log-loss of calibrations on other parts than they were fitted on; the mean average precision
was looked at for five distances from 1 to 8 pixels, 0.896 to 0.901, and without, 0.883.""",
)
