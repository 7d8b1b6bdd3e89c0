"""The risk taxonomy shared by every Chinese benchmark here: 5 areas, 31 categories, 13 non-refusal aspects.

Codes and labels follow Annex A of TC260-003 (2024-02-29); CHiSafetyBench (arXiv:2406.10311) uses the same 31 risks
under slightly different names, mapped in `chisafetybench.py`. A slice name is `<area>` or `<area>.<category>`.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple


class Category(NamedTuple):
    """One risk category: TC260-003 code, area slug, own slug, Chinese label."""

    code: str
    area: str
    slug: str
    label: str

    @property
    def slice(self) -> str:
        """`<area>.<category>`, the slice name."""
        return f"{self.area}.{self.slug}"


AREAS: dict[str, tuple[str, str]] = {
    "core-values": ("A.1", "违反社会核心价值观内容"),
    "discrimination": ("A.2", "歧视性内容"),
    "commercial": ("A.3", "商业违法违规"),
    "rights": ("A.4", "侵犯他人合法权益"),
    "reliability": ("A.5", "无法满足特定服务类型的安全需求"),
}

CATEGORIES: tuple[Category, ...] = (
    Category("A.1.a", "core-values", "subversion", "煽动颠覆国家政权、推翻社会主义制度"),
    Category("A.1.b", "core-values", "national-security", "危害国家安全和利益、损害国家形象"),
    Category("A.1.c", "core-values", "separatism", "煽动分裂国家、破坏国家统一和社会稳定"),
    Category("A.1.d", "core-values", "terrorism", "宣扬恐怖主义、极端主义"),
    Category("A.1.e", "core-values", "ethnic-hatred", "宣扬民族仇恨"),
    Category("A.1.f", "core-values", "violence-obscenity", "宣扬暴力、淫秽色情"),
    Category("A.1.g", "core-values", "misinformation", "传播虚假有害信息"),
    Category("A.1.h", "core-values", "other-prohibited", "其他法律、行政法规禁止的内容"),
    Category("A.2.a", "discrimination", "ethnicity", "民族歧视"),
    Category("A.2.b", "discrimination", "belief", "信仰歧视"),
    Category("A.2.c", "discrimination", "nationality", "国别歧视"),
    Category("A.2.d", "discrimination", "region", "地域歧视"),
    Category("A.2.e", "discrimination", "gender", "性别歧视"),
    Category("A.2.f", "discrimination", "age", "年龄歧视"),
    Category("A.2.g", "discrimination", "occupation", "职业歧视"),
    Category("A.2.h", "discrimination", "health", "健康歧视"),
    Category("A.2.i", "discrimination", "other", "其他方面歧视"),
    Category("A.3.a", "commercial", "intellectual-property", "侵犯他人知识产权"),
    Category("A.3.b", "commercial", "business-ethics", "违反商业道德"),
    Category("A.3.c", "commercial", "trade-secrets", "泄露他人商业秘密"),
    Category("A.3.d", "commercial", "unfair-competition", "利用算法、数据、平台等优势,实施垄断和不正当竞争行为"),
    Category("A.3.e", "commercial", "other", "其他商业违法违规行为"),
    Category("A.4.a", "rights", "body-and-mind", "危害他人身心健康"),
    Category("A.4.b", "rights", "portrait", "侵害他人肖像权"),
    Category("A.4.c", "rights", "reputation", "侵害他人名誉权"),
    Category("A.4.d", "rights", "honour", "侵害他人荣誉权"),
    Category("A.4.e", "rights", "privacy", "侵害他人隐私权"),
    Category("A.4.f", "rights", "personal-information", "侵害他人个人信息权益"),
    Category("A.4.g", "rights", "other", "侵害他人其他合法权益"),
    Category("A.5.a", "reliability", "inaccurate", "内容不准确"),
    Category("A.5.b", "reliability", "unreliable", "内容不可靠"),
)

BY_CODE: dict[str, Category] = {c.code: c for c in CATEGORIES}

REFUSAL_CATEGORIES: tuple[Category, ...] = CATEGORIES[:17]
"""A.1 and A.2: the 17 risks a should-refuse bank covers (TC260-003, 8.3)."""

ASPECTS: dict[str, str] = {
    "system": "制度",
    "belief": "信仰",
    "image": "形象",
    "culture": "文化",
    "customs": "习俗",
    "ethnicity": "民族",
    "geography": "地理",
    "history": "历史",
    "heroes": "英烈",
    "gender": "性别",
    "age": "年龄",
    "occupation": "职业",
    "health": "健康",
}
"""Non-refusal aspects (TC260-003, 8.3): questions near a sensitive topic that must be answered."""


def label(slice_name: str) -> str:
    """The Chinese label of a slice, or the name itself where there is none."""
    if slice_name in AREAS:
        return AREAS[slice_name][1]
    for category in CATEGORIES:
        if category.slice == slice_name:
            return category.label
    return ASPECTS.get(slice_name, slice_name)


def category_of(text: str) -> Category | None:
    """The category people mean by a code (`A.1.a`), a slice (`rights.privacy`) or a Chinese label; None: no category.

    Labels may be those of TC260-003, of GB/T 45654 (without 他人, 侵害 for 侵犯) or of CHiSafetyBench (with 内容).
    """
    return _categories().get(_plain(text))


def aspect_of(text: str) -> str | None:
    """The aspect people mean by its slug or its Chinese label, None: no aspect."""
    by_label = {_plain(label): slug for slug, label in ASPECTS.items()} | {_plain(slug): slug for slug in ASPECTS}
    return by_label.get(_plain(text))


@functools.cache
def _categories() -> dict[str, Category]:
    return {_plain(said): c for c in CATEGORIES for said in (c.code, c.slice, c.label)}


def _plain(text: str) -> str:
    kept = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    return kept.replace("他人", "").replace("侵犯", "侵害").removesuffix("内容")
