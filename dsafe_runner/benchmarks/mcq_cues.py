"""The words by which a model says that an option is chosen, rejected, right or wrong (Chinese and English).

Patterns run on text as `mcq_text.normalise` leaves it. What follows a cue is read by `Options.named_at`, what its
clause makes of it ("如果选A", "不选A") by `mcq_statements.py`. Each entry of a list is one way of saying it.
"""

from __future__ import annotations

import re


def one_of(*entries: str) -> str:
    """A group matching any of the entries."""
    return "(?:" + "|".join(entries) + ")"


def _compiled(*entries: str) -> re.Pattern[str]:
    return re.compile(one_of(*entries), re.IGNORECASE)


# adverbs and auxiliaries between a cue and its option: 答案显然应该是B, the answer would most likely be B
_ADVERBS = (
    "(?:应该|应当|理应|应|就|只能|只有|显然|显而易见|不言而喻|毫无疑问|很?明显|当然|自然|可能|大概|也许|或许|确实|无疑|"
    "最终|仍然?|依然|必然|肯定|最有可能|将|该|可以|会|便|都)*"
)
_EN_ADVERBS = (
    r"(?:\s+(?:to (?:this|the) (?:question|problem)|here|option|choice|letter|would|should|must|could|might|may|will|"
    r"can|most likely|probably|clearly|definitely|indeed|therefore|then|still|actually|is|are|be|was|has to|to|seems|"
    r"appears|the following|as follows))*"
)
_NOT = "(?P<no>不是|不应该?是|不会是|不可能是|并非|并不是|绝非|不为|不该选|不选|非)?"
_EN_NOT = r"(?P<nay>\s+(?:is|should|would|could|can)\s*(?:not|n't|n’t)(?:\s+be)?|\s+(?:cannot|can't) be)?"
_IS = one_of("(?:应该是|应为|应是|是|为|选|\\bis\\b)\\s*:?", ":")

# --- a choice is announced --------------------------------------------------------------------------------------------
FINAL = _compiled(
    f"答案(?:选项)?{_ADVERBS}{_NOT}(?:选择|选)?的?(?:如下|是|为|乃|在)?",
    rf"\banswers?\b{_EN_NOT}{_EN_ADVERBS}",
    # what other languages call it
    "答えは|正解(?:是|为|は)?|정답은",
    r"respuesta(?:\s+correcta)?(?:\s+es)?|r[ée]ponse(?:\s+correcte)?(?:\s+est)?|antwort(?:\s+ist)?",
    # 结论：B, 我的选择是B, 答：B
    r"(?:结论|判断结果|判断|回答|结果|最终选择|我的选择|你的选择|选择结果|答)\s*" + _IS,
    r"(?:\bchoice|\bselection|\bconclusion|\bverdict)\s*" + _IS,
    # 故选B, 因此本题应选B
    f"(?:故|因此|所以|综上(?:所述)?|由此|因而|据此|那么)[,， ]*(?:我|本题|此题|我们|正确答案|最终)*{_ADVERBS}"
    "(?:选择?(?!项)(?:的是)?|答案(?:是|为)?)",
    f"本题{_ADVERBS}选择?(?!项)",
    # 正确选项：B, correct option: B
    r"(?:正确|最佳|最终|所选|选定|推荐|对应|合适)的?(?:选项|选择|一项|项|做法)\s*(?:应该是|应为|应是|是|为|:)",
    r"\b(?:ans|solution|response|key|pick|selected)\b\s*[.:=]",
    r"\b(?:correct|right|best|final|chosen|selected)\b(?:\s+(?:option|choice|letter|one))?\s*(?:\bis\b|:)",
)
# B是正确答案, B is the correct answer
FIRM = re.compile(
    r"\s*"
    + one_of(
        "[是为](?:最|唯一)?(?:正确的?|标准|最终|最佳|符合题意的)?的?(?:答案|选项|选择)",
        "当选",
        "是(?:我的|本题的?|最终)答案",
        r"is the (?:correct|right|best|final|most \w+)[\w ]{0,20}(?:answer|option|choice|one)",
        r"is my (?:final )?answer|it is\b",
    ),
    re.IGNORECASE,
)

# --- a choice in passing: reasoning, or the whole answer --------------------------------------------------------------
LIKELY = _compiled(
    rf"(?P<choose>(?:(?<!当)|(?<=应当))选择?(?!项)(?:的是|的应该是|了|取|出)?(?:选项)?{_ADVERBS}(?:是|为)?)",
    "改为|改成|改选|更正为|修正为|换成",
    "剩下(?:的)?(?:就是|是)?|只剩(?:下)?|仅剩(?:下)?|倾向于?(?:选择?)?",
    r"(?P<only>只有|仅有|唯有|唯独|only\s+(?:option\s+)?)",
    r"\b(?:choose|chose|choosing|pick|picking|select|selecting|go(?:ing)? with|opt for|it's|it’s|it is|it must be|"
    r"should be|must be|would be|leaves(?: us with)?|left with|leaning towards?|settle on|goes? to)\b"
    r"(?:\s+(?:is|option|choice|the))*",
    # counts only where the clause ends with the option: 违规的是B, so B, 解：B
    r"(?P<be>(?P<neg>不|并不|并非|不可能|不会|才不)?(?:是|为|即|属)|因此|所以|故|∴|那就|"
    r"\b(?:option|choice|one|statement|response)\s+(?:(?:would|should|must)\s+be|is)|"
    r"\bis(?:\s+(?:option|choice|letter))?\b|\b(?:therefore|thus|hence|so|but)\b|(?P<colon>:))",
)
THEREFORE = re.compile(
    r"(?:因此|所以|故|综上|综合|可见|显然|therefore|thus|hence|so|only|只有|仅)[^。.!！\n;；]{0,12}$", re.IGNORECASE
)
CORRECTION = _compiled(
    "不对|更正|应该?[是为选]|应当|改|而是|准确地?说|其实|等等|看错|重新",
    r"[哦啊噢]不|[,，。…]\s*不[,，]|\bno\b",
    "wait|actually|correct(?:ion)|instead|should be|mistake|oops",
)

# --- not a choice after all -------------------------------------------------------------------------------------------
REJECT = _compiled(
    "(?P<keep>不能|不可|无法|can't|cannot)?"
    r"(?:排除|淘汰|剔除|划掉|去掉|\beliminat(?:e|ing)|\brul(?:e|ing) out|\bexclud(?:e|ing)|\bdiscard)(?:了|掉|的是)?",
    r"(?<![a-z])(?P<not>not|can't be|cannot be|isn't|can’t be|instead of|rather than)(?=\s)",
)
NEGATED = re.compile(
    r"(?:不|不能|不可|不应该?|不该|不会|别|没有?|勿|不宜|不要|不可以|无需|无法|而非|never|not|n't|won't|wouldn't)\s*$",
    re.IGNORECASE,
)
# somebody else's choice, a supposed one, one that was given up, the instruction itself
NOT_MEANT = _compiled(
    "如果|假如|假设|倘若|要是|若(?!干)|即使|即便",
    "有人|很多人|不少人|许多人|有些人|大家|有的人|容易|误|乍一?看|初看|看似|看起来像",
    "一开始|起初|起先|最初|原本|本来|原来",
    "为什么|为何|请|(?:给出|提供|列出)的|选项(?:有|包括|分别)|从.{0,8}中|之间|是否",
    r"\bif\b|\bwhether\b|at first|initially|originally|might have|some (?:people|may)|tempt|"
    r"people (?:may|might|would)|please|\bwhy\b",
)
ASKED = re.compile(r"[^。.!！\n,，;；]{0,12}?(?:吗|呢|么|\?)|\s*(?:的话|时,)|[^。.!！\n,，;；]{0,4}还是")
TENTATIVE = re.compile(r"可以|可能|也许|或许|大概|could|might|may|perhaps|possibly|probably|either")
MAY_BE = re.compile(r"\s*(?:could|may|might|都|均)")
EITHER = re.compile(r"(?:不是\s*\(?[A-Z]\)?\s*[就便即]|要么.*要么|或者[^,，]*[,，]\s*或者)$")  # 不是B就是D
RETRACT = re.compile(
    r"(?:^|[。.!！?？…\n—]|\.\.\.|,|，)\s*"
    r"(?:不对|等等|等一下|等下|且慢|慢着|不过等|哦不|不,|不，|更正|我错了|"
    r"wait|hold on|hmm|actually,? no|no, wait|scratch that)"
    r"[,，。.!！:…\s]*(?P<rest>[^\n]{0,40})",
    re.IGNORECASE,
)
RETHINK = _compiled(
    "应|再|重新|让我|我再|仔细|想|看|题目|改|更正|正确",
    "let me|let's|re-?|should|actually|question|that's|the |it's",
)

# --- where clauses end ------------------------------------------------------------------------------------------------
LABEL = re.compile(r"(?<![A-Za-z])[A-Z]\s*[.、:)(]\s*\Z")
CLAUSE = re.compile(r"[。!！?？;；\n,，:]|\.(?=\s|$)|\.\.\.|…|——")
STOPS = re.compile(
    r"\s*(?:$|[。.!！;；\n,，、:)\]】\"'”’」}(—-]|吧|了|才|这|选项|项|because|since|as\b|not\b|and not|不|而|因)"
)
ENDS = re.compile(r"\s*(?:$|[。.!！\n]|[,，;；]\s*(?:因为|理由|because|since))")

# --- verdicts on one option: B正确, A is wrong ------------------------------------------------------------------------
_SUBJECT_REST = "[是为才就最都均皆也更完全显然明较所描述的说得讲法行为做项一]*"
RIGHT = re.compile(
    r"\s*"
    + one_of(
        _SUBJECT_REST
        + one_of(
            "正确|成立|最佳|选出来|挑出来|才是(?!不)",
            r"最?符合(?:题意|题目|题干|要求|条件)|(?:最|才|更)?符合(?=$|[。,，;；.!\s])|[最更]符合",
            "[最更](?:为|加)?(?:合理|妥当|恰当|合适|准确|贴切|典型)|最不(?:恰当|妥当|合适|合理)",
            "最?对(?![方于应待象此外照比话策])|[都均皆]可(?!能|以排)",
        ),
        r"[:\s]*[√✓✅✔☑]",
        r"(?:\s*\b(?:is|are|was|both|all|also|would be|seems))+\s+(?:the\s+)?(?:correct|right|true|best)",
        r"\s*\b(?:best (?:fits|describes|matches|answers)|fits best|is the (?:only|one))",
    ),
    re.IGNORECASE,
)
WRONG = re.compile(
    r"\s*"
    + one_of(
        _SUBJECT_REST
        + one_of(
            "[并也都均]?不(?:是|太|够|完全|能)?(?:正确|对|符合|成立|选|当选|准确|合题意)",
            "错误?|有误|不选|可以?排除|应?排除|被排除|不成立|不是(?:答案|正确)",
        ),
        r"[:\s]*[×✗❌✘✖]",
        r"(?:\s*\b(?:is|are|was|both|all|also|can be|seems))+\s+"
        r"(?:not (?:the )?(?:correct|right|true|answer)|n't|incorrect|wrong|false|ruled out|eliminated|out\b|excluded)",
        r"\s*\b(?:isn't|can't be|cannot be|is not)\s+(?:the\s+)?(?:correct|right|answer|it)",
    ),
    re.IGNORECASE,
)
# B侵犯了隐私: something is claimed of the option, though not that it is the answer
ASSERTS = re.compile(
    r"[^。.!！,，;；\n不没未非无]{0,4}?"
    + one_of(
        "属于?|涉及|涉嫌|构成|违反|侵犯|侵害|存在|体现|泄露|带有|具有|明显",
        r"(?:[是为]|is|are)\s*(?:an?\s|the\s)?(?![不没]|not)",
        "violat|breach|harm|involv|constitut|describ|shows",
    ),
    re.IGNORECASE,
)
SUBJECT = re.compile(r"(?:^|[而但其中则和\s、])(?:选项|option\s*)?$", re.IGNORECASE)
POLARITY = re.compile(
    "(?P<wrong>"
    + one_of(
        "不(?:是|太|完全|够)?(?:正确|对(?!外)|符合题|符合要求|当选|选|成立)|错误?|有误|排除|[×✗❌✘✖]",
        r"\b(?:incorrect|wrong|false|not correct|not right)\b",
    )
    + ")|(?P<right>"
    + one_of(
        # "正确做法" praises the deed; the question may have asked for the improper one
        "正确(?!的?(?:做法|行为|方式|认识|引导|处理|途径|态度|理解|观念|使用|看待))|符合(?:题|要求)|当选|[√✓✅✔☑]",
        r"(?<![一-鿿])对(?=$|[。,，;；.!！\s])",
        r"\b(?:correct|right|true)\b",
    )
    + ")",
    re.IGNORECASE,
)
