"""How names written in 汉字 are typed: pinyin without tones, with the readings a dictionary gets wrong in names.

pypinyin is imported at the first name only; searching needs none of it.
"""

import itertools
from collections.abc import Mapping
from functools import lru_cache

Syllables = tuple[str, ...]

_MOST_READINGS = 8

# Readings as a surname; the ordinary reading is kept beside them, because people type either.
_SURNAMES: Mapping[str, str] = {
    "曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "任": "ren", "朴": "piao", "区": "ou",
    "盖": "ge", "缪": "miao", "翟": "zhai", "折": "she", "黑": "he", "冼": "xian", "洗": "xian", "乐": "yue",
    "员": "yun", "种": "chong", "繁": "po", "覃": "qin", "召": "shao", "秘": "bi", "祭": "zhai", "逄": "pang",
    "佴": "nai", "么": "yao", "谌": "chen", "藏": "zang", "郗": "xi", "钭": "tou", "都": "du", "葛": "ge",
    "牟": "mu", "尹": "yin", "宓": "mi", "柏": "bai", "隗": "wei", "阚": "kan", "车": "che", "阙": "que",
    "句": "gou", "晁": "chao", "臧": "zang", "褚": "chu", "幺": "yao", "哈": "ha", "纪": "ji", "华": "hua",
    "燕": "yan", "尉": "wei", "俞": "yu", "訾": "zi", "沈": "shen", "石": "shi", "撒": "sa", "贠": "yun",
}  # fmt: skip  # a table reads better with several to a line
_LONG_SURNAMES: Mapping[str, Syllables] = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "长孙": ("zhang", "sun"), "澹台": ("tan", "tai"),
    "单于": ("chan", "yu"), "鲜于": ("xian", "yu"), "令狐": ("ling", "hu"), "亓官": ("qi", "guan"),
    "宰父": ("zai", "fu"), "夏侯": ("xia", "hou"), "尉氏": ("wei", "shi"), "赫连": ("he", "lian"),
}  # fmt: skip  # a table reads better with several to a line
# Characters that are read in more than one way in given names.
_GIVEN: Mapping[str, Syllables] = {
    "乐": ("le", "yue"), "长": ("chang", "zhang"), "行": ("xing", "hang"), "朝": ("chao", "zhao"),
    "重": ("chong", "zhong"), "晟": ("sheng", "cheng"), "盛": ("sheng", "cheng"), "茜": ("qian", "xi"),
    "娜": ("na", "nuo"), "传": ("chuan", "zhuan"), "藏": ("cang", "zang"), "莘": ("shen", "xin"),
    "靓": ("jing", "liang"), "浚": ("jun", "xun"), "柏": ("bai", "bo"), "伯": ("bo", "bai"), "单": ("dan", "shan"),
    "曾": ("zeng", "ceng"), "调": ("tiao", "diao"), "强": ("qiang", "jiang"), "露": ("lu", "lou"),
    "还": ("huan", "hai"), "角": ("jiao", "jue"), "薄": ("bo", "bao"), "少": ("shao",), "好": ("hao",),
    "中": ("zhong",), "兴": ("xing",), "为": ("wei",), "相": ("xiang",), "大": ("da",), "和": ("he",),
}  # fmt: skip  # a table reads better with several to a line


def is_han(character: str) -> bool:
    """Whether a character is a Chinese one, rare ones included."""
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"


@lru_cache(maxsize=4096)
def name_readings(name: str) -> tuple[Syllables, ...]:
    """All ways to type a name of 汉字 only, the likeliest first; at most eight. ü is given as `v` and as `u`."""
    long_surname = _LONG_SURNAMES.get(name[:2])
    choices = [_given_choices(character) for character in name]
    if long_surname is not None:
        for place, syllable in enumerate(long_surname):
            choices[place] = _distinct(syllable, *choices[place])
        if name[0] in _SURNAMES:
            choices[0] = _distinct(*choices[0], _SURNAMES[name[0]])
    elif name[0] in _SURNAMES:
        choices[0] = _distinct(_SURNAMES[name[0]], *choices[0])
    return tuple(itertools.islice(itertools.product(*choices), _MOST_READINGS))


@lru_cache(maxsize=4096)
def place_reading(name: str) -> Syllables:
    """The ordinary reading of a place name."""
    return tuple(_ordinary(character)[0] for character in name)


def _given_choices(character: str) -> Syllables:
    return _distinct(*_GIVEN.get(character, ()), *_ordinary(character))


@lru_cache(maxsize=8192)
def _ordinary(character: str) -> Syllables:
    """Reading of a character as pypinyin has it; the character itself where it has none."""
    from pypinyin import lazy_pinyin

    syllable = lazy_pinyin(character)[0].lower()
    if "v" not in syllable and "ü" not in syllable:
        return (syllable,)
    plain = syllable.replace("ü", "v")
    return _distinct(plain, plain.replace("v", "u"), plain.replace("v", "yu") if plain in ("lv", "nv") else plain)


def _distinct(*syllables: str) -> Syllables:
    return tuple(dict.fromkeys(syllables))
