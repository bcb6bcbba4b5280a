"""The tables that models of risk are learned from: which file, which column is the answer, what the others mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from desktop.learning.additive import ColumnPlan

Text = Mapping[str, str]

UCI = "CC BY 4.0 (UCI Machine Learning Repository; as we know it, not looked up again)"


def _words(en: str, zh: str) -> Text:
    return {"en": en, "zh": zh}


@dataclass(frozen=True)
class ColumnText:
    """One column: what it is called, its unit (UCUM), the answers it knows with their names (none for a number).

    ordered: the answers are steps of a scale. logarithmic: a number spread by its logarithm. least: what is smaller was
    mistyped and counts as not measured.
    """

    key: str
    name: Text
    unit: str = ""
    choices: Mapping[str, Text] = field(default_factory=dict)
    ordered: bool = False
    logarithmic: bool = False
    least: float = -math.inf

    @property
    def plan(self) -> ColumnPlan:
        """As `additive.fit` asks."""
        return ColumnPlan(len(self.choices), self.ordered, self.logarithmic)


@dataclass(frozen=True)
class RiskSet:
    """One model of risk. answer: the column that holds the outcome; yes, no: its values. sexes: of whom the rows are,
    where they are of one sex only.

    left_out: columns that tell the outcome or name the person. never_zero: columns whose zero means not measured.
    people: whom the rows are of, {n} of them. compared: area under the ROC curve of a plain logistic regression on rows
    nobody trained on, as the data's own notes state it.
    """

    model: str
    file: str
    answer: str
    yes: str
    no: str
    columns: tuple[ColumnText, ...]
    title: Text
    finding: str
    finding_name: Text
    coding: tuple[str, str]
    people: Text
    caution: Text
    data_name: str
    licence: str
    credit: str
    compared: float
    left_out: tuple[str, ...] = ()
    never_zero: frozenset[str] = frozenset()
    sexes: tuple[str, ...] = ()


_NO_YES = {"0": _words("no", "否"), "1": _words("yes", "是")}
_NO_YES_TEXT = {"no": _words("no", "否"), "yes": _words("yes", "是")}
_NORMAL = {"normal": _words("normal", "正常"), "abnormal": _words("abnormal", "异常")}
_PRESENT = {"notpresent": _words("not present", "无"), "present": _words("present", "有")}
_PLUSES = {str(grade): _words(str(grade), str(grade)) for grade in range(6)}

DIABETES = RiskSet(
    model="risk-diabetes",
    file="pima_diabetes.csv",
    answer="diabetes",
    yes="1",
    no="0",
    columns=(
        ColumnText("pregnancies", _words("Pregnancies", "妊娠次数")),
        ColumnText("glucose_2h", _words("Glucose 2 h after 75 g", "糖负荷后 2 小时血糖"), "mg/dL"),
        ColumnText("diastolic_bp", _words("Diastolic blood pressure", "舒张压"), "mm[Hg]"),
        ColumnText("skinfold", _words("Triceps skinfold", "肱三头肌皮褶厚度"), "mm"),
        ColumnText("insulin_2h", _words("Insulin after 2 h", "2 小时胰岛素"), "u[IU]/mL", logarithmic=True),
        ColumnText("bmi", _words("Body mass index", "体重指数"), "kg/m2"),
        ColumnText("pedigree", _words("Diabetes in the family (pedigree function)", "家族史指数")),
        ColumnText("age", _words("Age", "年龄"), "a"),
    ),
    title=_words("Risk of diabetes", "糖尿病风险"),
    finding="diabetes",
    finding_name=_words("Diabetes within five years", "五年内患糖尿病"),
    coding=("E11", "Type 2 diabetes mellitus"),
    people=_words(
        "{n} Pima women of 21 years and more near Phoenix, Arizona, examined before 1990",
        "1990 年以前美国亚利桑那州凤凰城附近 {n} 名 21 岁及以上的皮马族女性",
    ),
    caution=_words(
        "It has learned from women of one people only; in men and elsewhere its probabilities may be far off.",
        "它只学习过一个族群的女性；用于男性或其他人群时，概率可能偏差很大。",
    ),
    data_name="Pima Indians Diabetes (National Institute of Diabetes and Digestive and Kidney Diseases)",
    licence="CC0 (as we know it, not looked up again)",
    credit="Smith et al., Proc. Symp. Computer Applications and Medical Care 1988, 261-265.",
    compared=0.85,
    sexes=("female",),
    never_zero=frozenset({"glucose_2h", "diastolic_bp", "skinfold", "insulin_2h", "bmi"}),
)

HEART = RiskSet(
    model="risk-heart-disease",
    file="cleveland_heart.csv",
    answer="disease",
    yes="1",
    no="0",
    columns=(
        ColumnText("age", _words("Age", "年龄"), "a"),
        ColumnText("sex", _words("Sex", "性别"), choices={"0": _words("female", "女"), "1": _words("male", "男")}),
        ColumnText(
            "cp",
            _words("Chest pain", "胸痛"),
            choices={
                "1": _words("typical angina", "典型心绞痛"),
                "2": _words("atypical angina", "不典型心绞痛"),
                "3": _words("other pain", "非心绞痛性胸痛"),
                "4": _words("none", "无症状"),
            },
        ),
        ColumnText("trestbps", _words("Systolic blood pressure at rest", "静息收缩压"), "mm[Hg]"),
        ColumnText("chol", _words("Total cholesterol", "总胆固醇"), "mg/dL"),
        ColumnText("fbs", _words("Fasting glucose above 120 mg/dL", "空腹血糖高于 120 mg/dL"), choices=_NO_YES),
        ColumnText(
            "restecg",
            _words("ECG at rest", "静息心电图"),
            choices={
                "0": _words("normal", "正常"),
                "1": _words("ST-T change", "ST-T 改变"),
                "2": _words("left ventricular hypertrophy", "左心室肥厚"),
            },
        ),
        ColumnText("thalach", _words("Highest heart rate on exercise", "运动最高心率"), "/min"),
        ColumnText("exang", _words("Angina on exercise", "运动诱发心绞痛"), choices=_NO_YES),
        ColumnText("oldpeak", _words("ST depression on exercise", "运动 ST 段压低"), "mm"),
        ColumnText(
            "slope",
            _words("ST slope at peak exercise", "运动高峰 ST 段斜率"),
            choices={"1": _words("up", "上斜"), "2": _words("flat", "水平"), "3": _words("down", "下斜")},
        ),
        ColumnText(
            "ca",
            _words("Vessels seen on fluoroscopy", "透视显影血管数"),
            choices={str(count): _words(str(count), str(count)) for count in range(4)},
            ordered=True,
        ),
        ColumnText(
            "thal",
            _words("Thallium scan", "铊显像"),
            choices={
                "3": _words("normal", "正常"),
                "6": _words("fixed defect", "固定缺损"),
                "7": _words("reversible defect", "可逆缺损"),
            },
        ),
    ),
    title=_words("Risk of coronary heart disease", "冠心病风险"),
    finding="heart_disease",
    finding_name=_words("Coronary narrowing above 50 %", "冠状动脉狭窄超过 50%"),
    coding=("I25.1", "Atherosclerotic heart disease"),
    people=_words(
        "{n} people sent for coronary angiography at the Cleveland Clinic, 1981 to 1984",
        "1981–1984 年美国克利夫兰诊所 {n} 名接受冠状动脉造影者",
    ),
    caution=_words(
        "Everybody it has learned from was already suspected of heart disease; in a village clinic its probabilities "
        "are too high.",
        "它学习的都是已怀疑有冠心病的人；在乡村诊所，它给出的概率偏高。",
    ),
    data_name="Heart Disease, Cleveland (UCI)",
    licence=UCI,
    credit="Detrano et al., Am J Cardiol 1989, 64:304-310.",
    compared=0.94,
    left_out=("num",),
)

LIVER = RiskSet(
    model="risk-liver-disease",
    file="indian_liver_patient.csv",
    answer="Dataset",
    yes="1",
    no="2",
    columns=(
        ColumnText("Age", _words("Age", "年龄"), "a"),
        ColumnText(
            "Gender", _words("Sex", "性别"), choices={"Female": _words("female", "女"), "Male": _words("male", "男")}
        ),
        ColumnText("Total_Bilirubin", _words("Total bilirubin", "总胆红素"), "mg/dL", logarithmic=True),
        ColumnText("Direct_Bilirubin", _words("Direct bilirubin", "直接胆红素"), "mg/dL", logarithmic=True),
        ColumnText("Alkaline_Phosphotase", _words("Alkaline phosphatase", "碱性磷酸酶"), "U/L", logarithmic=True),
        ColumnText("Alamine_Aminotransferase", _words("ALT", "丙氨酸氨基转移酶"), "U/L", logarithmic=True),
        ColumnText("Aspartate_Aminotransferase", _words("AST", "天门冬氨酸氨基转移酶"), "U/L", logarithmic=True),
        ColumnText("Total_Protiens", _words("Total protein", "总蛋白"), "g/dL"),
        ColumnText("Albumin", _words("Albumin", "白蛋白"), "g/dL"),
        ColumnText("Albumin_and_Globulin_Ratio", _words("Albumin to globulin", "白球比")),
    ),
    title=_words("Risk of liver disease", "肝病风险"),
    finding="liver_disease",
    finding_name=_words("Liver disease", "肝病"),
    coding=("K76.9", "Liver disease, unspecified"),
    people=_words(
        "{n} people from the north-east of Andhra Pradesh, India, seven in ten with liver disease",
        "印度安得拉邦东北部 {n} 人，其中约七成有肝病",
    ),
    caution=_words(
        "Seven in ten of those it has learned from had liver disease; where it is rarer, its probabilities are too "
        "high.",
        "它学习的人群中约七成有肝病；在肝病较少的地方，它给出的概率偏高。",
    ),
    data_name="ILPD, Indian Liver Patient Dataset (UCI)",
    licence=UCI,
    credit="Ramana, Babu, Venkateswarlu, Int J Database Management Systems 2011.",
    compared=0.74,
)

KIDNEY = RiskSet(
    model="risk-kidney-disease",
    file="ckd.csv",
    answer="classification",
    yes="ckd",
    no="notckd",
    columns=(
        ColumnText("age", _words("Age", "年龄"), "a"),
        ColumnText("bp", _words("Blood pressure", "血压"), "mm[Hg]"),
        ColumnText(
            "sg",
            _words("Urine specific gravity", "尿比重"),
            choices={text: _words(text, text) for text in ("1.005", "1.01", "1.015", "1.02", "1.025")},
            ordered=True,
        ),
        ColumnText("al", _words("Urine albumin, 0 to 5", "尿白蛋白（0–5）"), choices=_PLUSES, ordered=True),
        ColumnText("su", _words("Urine sugar, 0 to 5", "尿糖（0–5）"), choices=_PLUSES, ordered=True),
        ColumnText("rbc", _words("Red cells in urine", "尿红细胞"), choices=_NORMAL),
        ColumnText("pc", _words("Pus cells in urine", "尿脓细胞"), choices=_NORMAL),
        ColumnText("pcc", _words("Pus cell clumps", "脓细胞团"), choices=_PRESENT),
        ColumnText("ba", _words("Bacteria in urine", "尿细菌"), choices=_PRESENT),
        ColumnText("bgr", _words("Random glucose", "随机血糖"), "mg/dL", logarithmic=True),
        ColumnText("bu", _words("Blood urea", "血尿素"), "mg/dL", logarithmic=True),
        ColumnText("sc", _words("Serum creatinine", "血肌酐"), "mg/dL", logarithmic=True),
        ColumnText("sod", _words("Sodium", "血钠"), "meq/L", least=80.0),
        ColumnText("pot", _words("Potassium", "血钾"), "meq/L"),
        ColumnText("hemo", _words("Haemoglobin", "血红蛋白"), "g/dL"),
        ColumnText("pcv", _words("Packed cell volume", "红细胞压积"), "%"),
        ColumnText("wc", _words("White cells", "白细胞"), "/uL"),
        ColumnText("rc", _words("Red cells", "红细胞"), "10*6/uL"),
        ColumnText("htn", _words("Hypertension", "高血压"), choices=_NO_YES_TEXT),
        ColumnText("dm", _words("Diabetes", "糖尿病"), choices=_NO_YES_TEXT),
        ColumnText("cad", _words("Coronary heart disease", "冠心病"), choices=_NO_YES_TEXT),
        ColumnText(
            "appet", _words("Appetite", "食欲"), choices={"good": _words("good", "好"), "poor": _words("poor", "差")}
        ),
        ColumnText("pe", _words("Swollen feet", "足部水肿"), choices=_NO_YES_TEXT),
        ColumnText("ane", _words("Anaemia", "贫血"), choices=_NO_YES_TEXT),
    ),
    title=_words("Risk of chronic kidney disease", "慢性肾病风险"),
    finding="kidney_disease",
    finding_name=_words("Chronic kidney disease", "慢性肾脏病"),
    coding=("N18.9", "Chronic kidney disease, unspecified"),
    people=_words(
        "{n} people of one hospital in Tamil Nadu, India, six in ten with chronic kidney disease",
        "印度泰米尔纳德邦一家医院 {n} 人，其中约六成有慢性肾脏病",
    ),
    caution=_words(
        "Its patients were far advanced and its healthy people very healthy, so nearly any model tells them apart: it "
        "says little about early disease.",
        "数据中的患者病情多已较重，健康者又很健康，几乎任何模型都能区分，因此对早期肾病帮助有限。",
    ),
    data_name="Chronic Kidney Disease (UCI)",
    licence=UCI,
    credit="Soundarapandian, Rubini, Eswaran, UCI Machine Learning Repository 2015.",
    compared=1.0,
)

RISK_SETS = (DIABETES, HEART, LIVER, KIDNEY)
