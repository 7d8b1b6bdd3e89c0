"""The words by which a model announces, picks, approves of or rejects an option, and those that take it back.

Patterns run on one sentence of text as `mcq_markup.normalise` leaves it, never across a line end. What follows a cue is
read by `Options.named_at`; who says it, and whether it is meant, by `mcq_claims.py`.
"""

from __future__ import annotations

import re


def one_of(*entries: str) -> str:
    """A group matching any of the entries."""
    return "(?:" + "|".join(entries) + ")"


def _compiled(*entries: str) -> re.Pattern[str]:
    return re.compile(one_of(*entries), re.IGNORECASE)


_ADVERBS = (
    "(?:应该|应当|理应|应|就|只能|只有|显然|当然|自然|可能|大概|也许|或许|确实|无疑|毫无疑问|显而易见|不言而喻|很?明显|最终|仍然?|依然|必然|肯定|"
    "最有可能|将|该|可以|会|便|都|还|其实|实际上)*"
)
_EN_ADVERBS = (
    r"(?:\s+(?:to (?:this|the) (?:question|problem)|here|option|choice|letter|would|should|must|could|might|may|will|"
    r"most likely|probably|clearly|definitely|indeed|therefore|then|still|actually|is|are|be|was|has to|to|seems|"
    r"appears|the following|as follows))*"
)
_NOT = "(?P<no>不是|不应该?是|不会是|不可能是|并非|并不是|绝非|不为|不该选|不选|非)?"
_EN_NOT = r"(?P<nay>\s+(?:is|should|would|could|can)\s*(?:not|n't|n’t)(?:\s+be)?|\s+(?:cannot|can't) be)?"
_IS = one_of("(?:应该是|应为|应是|是|为|选|\\bis\\b)\\s*:?", ":")

# --- announced: "答案是B", "Answer: B", "结论：B" -------------------------------------------------------------------
ANNOUNCE = _compiled(
    f"答案(?:选项)?{_ADVERBS}{_NOT}(?:[更修]?[改正订]+)?(?:选择|选)?[成为]?的?(?:如下|是|为|乃|即|在)?",
    rf"\banswers?\b(?: (?:that )?I(?:['’]d| would| will)? (?:give|choose|pick|go with|have))?{_EN_NOT}{_EN_ADVERBS}",
    r"答えは|正解(?:是|为|は)?|정답은|respuesta(?:\s+correcta)?(?:\s+es)?|r[ée]ponse(?:\s+correcte)?(?:\s+est)?|"
    r"antwort(?:\s+ist)?",
    r"^\W*选项(?:应?为|应该?是)",
    rf"(?:结论|判断结果|判断|回答|结果|最终选择|[我你]的(?:最终)?选择|选择结果|所选|答|(?<![\u4e00-\u9fff])解)\s*{_IS}",
    rf"(?:\bchoice|\bselection|\bconclusion|\bverdict)\s*{_IS}",
    r"(?:正确|最佳|最终|最?合适|所选|选定|推荐|对应)的?(?:选项|选择|一项|项|做法)\s*(?:应该是|应为|应是|是|为|:)",
    r"\b(?:ans|solution|response|key|pick|selected)\b\s*[.:=]",
    r"\b(?:correct|right|best|final|chosen|selected)\b(?:\s+(?:option|choice|letter|one))?\s*(?:\bis\b|:|\bwould be\b)",
)
HEADING = re.compile(r"(?:[.:=]|是|为|如下|\bis|\bare|\bwould be|答案|\banswer)\s*[:(]?\s*$", re.IGNORECASE)
"""How a line ends whose answer stands on the next one."""
ALSO = re.compile("(?:\\(|,|即|也就是)\\s*(?:选项)?$")

# --- picked: "我选B", "so B", "违规的是B" ---------------------------------------------------------------------------
CHOOSE = re.compile(
    rf"(?<!当)选择?(?!项|择|手|出来|举|题)(?P<what>的是|的应该是|了|取|出)?(?:选项)?{_ADVERBS}(?:是|为)?"
    r"|应当选择?(?!项)|我(?:会|就|只能|还是)*[说答猜投]|改为|改成|更正为|修正为|换成"
)
_OWN = re.compile(
    r"我们?|本人|个人|本题|此题|该题|这道?题|题目|选择题|因此|所以|因而|故此?|那么?|于是|总之|综上(?:所述)?|综合\w{0,8}|由此(?:可[见知])?|"
    r"据此|经过?\w{0,6}[后，]|还是|只能|只有|应该?|应当|就|会|要|想|倾向于?|决定|可以|可能|大概|觉得|认为|相信|先|再|后来|发现|看来|"
    "改|则|而是?|但是?|可|也|理应|才|必须|是|该|显然|不如|非要|一定要|仅|直接|说|猜|一个|给出|选[择出]?|正确|答案|给|"
    "最终|最后|标准|参考|的|这个?|问题|[根依]据|按照|题意|题干|要求|以上|上述|上面|分析|推理|描述|规定|通过|思考|判断|可知|可以?得出?|"
    "得[出到]|提供|结合|来看|看|考虑|对应|合适|合理|恰当|最|佳|唯一|符合|在|此|确定|认定|推断|建议|把|将|并|且|即|其实|实际上|事实上|"
    r"仍然?|依然|我的|(?:更|修|订|纠)正后?|现在|这里|回答|解答|结论|毫无疑问|无疑|肯定|总体|而言|\d{1,2}[.、)]|\W|_|"
    r"(?:the|my|our|final|correct|best|right|most|likely|appropriate|suitable|accurate|so|therefore|thus|hence|and|but|i|"
    r"we|think|believe|would|say|conclude|that|is|am|sure|"
    r"in conclusion|on reflection|based on|above|analysis|this|question|"
    r"case|in|here|now|then|actually|overall|finally|to|as|a|result|however|instead|still|it|must|be|should|clear|clearly|"
    r"la|el|die|der|das|le|richtige|step|of|all|options|sure|option|choice)\b",
    re.IGNORECASE,
)


def own(clause: str) -> bool:
    """Whether a clause before an answer names nobody else's: made of the words of one's own conclusion only."""
    pos = 0
    while pos < len(clause):
        word = _OWN.match(clause, pos)
        if word is None or word.end() == pos:
            return False
        pos = word.end()
    return True


BECOMES = re.compile(
    "(?P<neg>不|不可能|不会|才不|并不?|并非)?(?:(?:应该?|应当|只能|就|才|即|也|都|可能|其实|而|大概|显然|自然|必然|依然)*"
    "(?:是|为|属)|(?P<left>剩下的?(?:就|只有|只)?是?|只剩下?|仅剩下?|留下的?(?:就?是)?)|倾向于?(?:选择?)?)"
)
"""A copula or a remainder: picks only where the option ends the clause."""
SUBJECT_OF = re.compile(
    "(?:的(?:做法|行为|选项|一项|内容|情形|说法|那个|那一项|项)?|"
    "^(?:我(?:觉得|认为|猜|想)|因此|所以|故|那么?|那就|其实|答|这|就|正确答案|正确选项|本题|而|实际上|综上|总之|最终|唯一\\w{0,6})*)"
    "\\s*$"
)
ONLY = re.compile("(?:只有|仅有|唯有|唯独|only\\s+(?:option\\s+)?)", re.IGNORECASE)
PICK_EN = re.compile(
    r"(?:\bI(?:'d|’d| would| will|'ll| have to)?\s+(?:say|choose|chose|pick|picked|select|selected|go(?:\s+with)?|"
    r"opt for|answer|lean towards?|settle on|conclude|believe|think|guess)(?:\s+with)?|"
    r"\b(?:therefore|thus|hence|so|it's|it’s|it is|it must be|it should be|should be|must be|which leaves|leaving|"
    r"leaves(?: us with)?|left with|that leaves|go(?:ing)? with|choose|pick|select|but|only)\b|"
    r"\b(?:option|choice|one|statement|response|behaviou?r|act)(?:\s+(?:that|which)(?:\s+\w+){1,6}?)?\s+(?:(?:would|should|must)\s+be|is)\b)"
    r"(?:\s+(?:that|is|it's|it is|option|choice|the|it must be|it should be))*",
    re.IGNORECASE,
)
THUS = re.compile("(?:^|[,，。;；])\\s*(?:因此|所以|因而|故|综上(?:所述)?|于是)[,，:\\s]*")
"""A conclusion that names a letter without another word: "因此B"."""
THEREFORE = re.compile(
    r"^\W*(?:因此|所以|因而|故|综上|综合|由此|据此|总之|最终|最后|可见|应|本题|therefore|thus|hence|so\b|in conclusion|"
    r"overall|finally)|(?:故|应|应当|应该|因此|所以|最终|本题|therefore,?|thus,?|hence,?|so,?)\W*$",
    re.IGNORECASE,
)
MARKED_FINAL = re.compile(
    "最终|最后|综上|因此|所以|故|总之|正确|\\bfinal|\\btherefore|\\bthus|\\bso\\b|\\bhence|\\bcorrect\\b", re.IGNORECASE
)

# --- verdicts on one option, letter first: "B正确", "A is wrong" ------------------------------------------------------
_REST = "[是为才就最都均皆也更完全显然明较所描述的说得讲法行为做项一]*"
FIRM = re.compile(
    r"\s*"
    + one_of(
        "[是为即](?:最|唯一)?(?:正确的?|标准|最终|最佳|符合题意的)?的?(?:答案|选项|选择)",
        "当选",
        "是(?:我的|本题的?|最终)答案",
        r"is the (?:correct|right|best|final|safest|most \w+)[\w ]{0,20}(?:answer|option|choice|one)",
        r"is best(?=\s*(?:$|[.,;]))",
        r"is my (?:final )?answer|is the answer(?! to)|it is\b",
    ),
    re.IGNORECASE,
)
RIGHT = re.compile(
    r"\s*"
    + one_of(
        _REST
        + one_of(
            "正确|成立|最佳|选出来|挑出来|才是(?!不)",
            r"最?符合(?:题意|题目|题干|要求|条件)|(?:最|才|更)?符合(?=$|[。,，;；.!\s])|[最更]符合",
            "[最更](?:为|加)?(?:合理|妥当|恰当|合适|准确|贴切|典型)|最不(?:恰当|妥当|合适|合理)",
            "最?对(?![方于应待象此外照比话策])|[都均皆]可(?!能|以排)",
        ),
        r"[:\s]*✅",
        r"(?:\s*\b(?:is|are|was|both|all|also|would be|seems))+\s+(?:to be )?(?:the\s+)?(?:correct|right|true|best)",
        r"\s*\b(?:best (?:fits|describes|matches|answers)|fits best|"
        r"fits(?=\s*(?:$|[.,;!]| the (?:question|description)))|is the (?:only|one))",
    ),
    re.IGNORECASE,
)
WRONG = re.compile(
    r"\s*"
    + one_of(
        _REST
        + one_of(
            "[并也都均肯定]*不(?:是|太|够|完全|能)?(?:正确|对|符合|成立|选|当选|准确|合题意)",
            "(?<!错)错(?!过|综|开|落)误?|有误|不选|可以?排除|应?排除|[被依次]*排除|不是(?:答案|正确|$|[,，。])",
        ),
        r"[:\s]*❌",
        r"(?:\s*\b(?:is|are|was|both|all|also|can be|seems))+\s+"
        r"(?:not (?:the )?(?:correct|right|true|answer)|n't|incorrect|wrong|false|ruled out|eliminated|out\b|excluded)",
        r"\s*\b(?:isn't|can't be|cannot be|is not)\s+(?:the\s+)?(?:correct|right|answer|it)",
    ),
    re.IGNORECASE,
)
DENIED = re.compile(
    r"(?:^\s*|[,，:]\s*|(?:因此|所以|故|可见|但|therefore|thus|hence|so|but)\s*)"
    "(?:(?:这|此|该)[\u4e00-\u9fff]{0,6}?(?:并?不(?:是|算是?|构成|属于)?|并非|绝非|谈不上|称不上)|"
    r"(?:this|that|it)(?: (?:is|was) (?:not|hardly|never)|[ ](?:isn't|isn’t|wasn't))(?: (?:an?|the))?)\s*",
    re.IGNORECASE,
)
"""What is asked about is not what follows: of two options that leaves the other."""
DENIED_ENDS = re.compile(r"\s*(?:$|[。.!！]|[,，]?\s*(?:因为|而?是|而?属于|because\b|since\b|it(?:'s| is)\b))")
REJECT = _compiled(
    "(?<!能)(?<!法)(?<!可)(?:排除|淘汰|剔除|划掉|去掉)(?:了|掉|的是)?",
    r"(?:\beliminat(?:e|ing)|\brul(?:e|ing) out|\bexclud(?:e|ing)|\bdiscard)",
    r"(?<![a-z])(?:not|isn't|can't be|cannot be|can’t be|instead of|rather than)(?=\s)",
    "(?:^|[而但也又,，并既都]|答案)(?:不是|并非|并不是|不选|不能选|不应选择?|不该选|不应该选择?|绝不是)",
)
POLARITY = re.compile(
    "(?P<wrong>"
    + one_of(
        "不(?:是|太|完全|够)?(?:正确|对(?!外)|符合题|符合要求|当选|选|成立)|错(?!过|综)误?|有误|排除|❌",
        r"\b(?:incorrect|wrong|false|not correct|not right)\b",
    )
    + ")|(?P<right>"
    + one_of(
        # "正确做法" praises the deed; the question may have asked for the improper one
        "正确(?!的?(?:做法|行为|方式|认识|引导|处理|途径|态度|理解|观念|使用|看待))|符合(?:题|要求)|当选|✅",
        r"(?<![一-鿿])对(?=$|[。,，;；.!！\s])",
        r"\b(?:correct|right|true)\b",
    )
    + ")",
    re.IGNORECASE,
)

# --- not meant --------------------------------------------------------------------------------------------------------
_SAYS = "(?:说|认为|觉得|主张|建议|坚持|声称|表示|误|选|猜|写|填|答|给出的|的答案|以为)"
_REPORTED = (
    "(?:有(?:些|的|不少)?人|人们|大家|网友|同学|老师|学生|考生|专家|朋友|同事|家长|别人|旁人|某\\w|[他她]们?|你们|"
    "小[\\u4e00-\\u9fff]|老[\\u4e00-\\u9fff]|[甲乙丙丁](?!方)|里长|儿子|女儿|奶奶|爷爷|妈妈|爸爸|评论区|不少|很多|许多)"
    f"[^,，。;；:]{{0,8}}?{_SAYS}|"
    r"\b(?!I\b)\w+ (?:says|said|thinks|argues|claims|picks|picked|chose|chooses|answered)\b|"
    r"\b(?:people|students|some|many|others|they|users|readers)(?: \w+)? "
    r"(?:say|think|argue|claim|pick|choose|answer)\b|"
    r"\b(?!I\b)\w+ (?:(?:often|may|might|would|"
    r"could|will) (?:say|choose|pick|answer|think|select|argue|call|consider|see))\b"
)
SUPPOSED = _compiled(
    "如果(?!非要|必须|一定要|只能)|假[如设使定]|倘若|要是|若(?!干)|即使|即便|否则|不然|一旦|万一",
    _REPORTED,
    "据说|(?:按|据|照)[^,，。]{0,8}的(?:看法|说法|意见|观点)[,，]|听说|传闻|据称|示例|样例|例如|比如|格式",
    "一开始|起初|起先|最初|原本|本来|原来",
    r"\bif\b(?! i (?:had|have) to)|according to (?!the|this|my|our|above|article|law)|\breads\b|\bwhether\b|"
    r"\bsuppos|\bassum|\botherwise|(?<!if i )\b(?:had|were)\s+(?:the|it|they|he|she|this|we|you|i)\b",
    r"at first|initially|originally|might have|would have|could have|please|reportedly|rumou?r|\bexample\b|\bsample\b|"
    r"e\.g\.|\bformat|\bwrite\b|\bdepends?\b",
)
"""Not the writer's claim, to the end of the sentence or to a turn."""
ASIDE = _compiled(
    "容易|误[选认以]|乍一?看|初看|看似|看起来|看上去|似乎|之前|刚才|先前|上次|上一|下一|曾经?|旧版|过去|以前|去年|网上|题库",
    "为什么|为何|怎么|请(?!注意)|(?:提供|列出|给出)的选项|选项(?:有|包括|分别)|从.{0,8}中|之间|是否|其中",
    r"previous|tempt|looks? like|seems? like|\bwhy\b|\bneither\b",
)
"""Not the writer's claim, in the same clause."""
EXAMPLE = re.compile(r"(?:示例|样例|例如|格式|\bexample|\bsample|\bformat)[^\n]{0,12}[:：]\s*$", re.IGNORECASE)
"""A line that introduces an example."""
OWN_PAST = _compiled("一开始|起初|起先|最初|原本|本来|原来|之前|刚才|先前", "at first|initially|originally|previous")
TURN = re.compile(
    "(?:(?<!不)但是?|不过|(?:^|[,;。\\s])(?:可(?![能以])|故|而我)|仍然?|依然|依旧|然而|可是|后来|(?:错误?的?|不对的|不正确的|错了)[,，]|因此|(?<!之)所以|综上|实际上|其实|事实上|"
    r"\bbut\b|\bhowever\b|\btherefore\b|\bthus\b|\bhence\b|\bso\b|\bactually\b|\binstead\b)",
    re.IGNORECASE,
)
"""Ends what was supposed or reported: "有人选A，但答案是B"."""
ASKED = re.compile(
    r"[^。.!！\n,，;；]{0,12}?(?:吗|呢|么(?!样)|\?)|\s*(?:的话|时,)|"
    r"[^。.!！\n,，;；]{0,4}(?:还是|或许)|\s+if\b"
)
UNSURE = re.compile(r"\s*的(?!$|[。.,，!！;；吧话])|[^。.!！\n,，;；]{0,3}(?:我?都?不确定|都?有可能|各有|谁)")
NEGATED = re.compile(
    r"(?:不|不能|不可|不可以|不应该?|不该|不会|别|没有?|勿|不宜|不要|无需|无法|而非|never|not|n't|won't|wouldn't)\s*$",
    re.IGNORECASE,
)
EXCEPT = re.compile(r"(?:除了?|除去|\bexcept|\bapart from|\bother than|\bbut)\s*(?:选项|option)?\s*$", re.IGNORECASE)
EITHER = re.compile(r"(?:不是\s*\(?[A-Z]\)?\s*[就便即]|要么.*要么|或者[^,，]*[,，]\s*或者)$")
DISOWNED = re.compile(
    r"\s*(?:[,，]?\s*(?:这|的)(?:种|个)?(?:说法|观点|结论|答案)?|[,，]\s*)"
    r"(?:是|显然)*(?:错误?的|不对的|不正确)"
)
TENTATIVE = re.compile(r"可以|可能|也许|或许|大概|could|might|may|perhaps|possibly|either", re.IGNORECASE)
TENTATIVE_IS = re.compile(
    r"(?:可以|可能|也许|或许|大概|could|might|may|perhaps|possibly|either|或者?|\bor)(?:是|为|选|also|be|\s)*",
    re.IGNORECASE,
)
CORRECTION = re.compile(
    r"(?:^|[。.!！?？…—(]|\.\.\.)\s*等等(?=[,，。.!！…\s]|$)|"  # behind a comma it is "and so on"
    r"(?:^|[。.!！?？…;；,，—:(\[]|\.\.\.)\s*(?:哦|啊|噢)?(?:"
    r"不对(?=[,，。.!！…:;；\s]|$)|等一下|等下|且慢|慢着|不过等|不(?=[,，])|更正|纠正|订正|修[正改](?=:)|我错了|看[错漏]|"
    r"抱歉|对不起|不好意思|准确地?说|改选|(?P<weak>重新(?:审题|思考|考虑|看|来)|经过?进一步|再(?:想|看|检查|读))|"
    r"wait|hold on|hmm|actually|no(?=[,.;: ]\s*(?:wait|it|that|the|should|[A-Z]\b|$))|scratch that|correction|sorry|"
    r"on second thought|i (?:misread|was wrong|made a mistake)|oops)|"
    "应?(?:该|当)?改(?:为|成|选)|更正为|修正为|(?:刚才|之前|上面|先前)的?(?:回答|答案)\\w{0,4}(?:错|误)",
    re.IGNORECASE,
)
SAYS_NEXT = _compiled("更正|纠正|订正|不对|抱歉|对不起|不好意思|改[为成选]|修正", "correction|sorry|no$")
"""Corrections that the right option may follow without another word."""
RETHINK = _compiled(
    "再|重新|让我|仔细|想一?想|看错|看漏|题目(?:问|要)|改|更正|错了|有误",
    r"let me|let's|\bre-?(?:read|think|consider|check)|misread|mistake|think again",
)
LABEL = re.compile(r"(?<![A-Za-z])[A-Z]\s*[.、:)(]\s*\Z")
STOPS = re.compile(
    r"\s*(?:$|[。.!！;；\n,，、:)\]】\"'”’」}(—-]|吧|了|才|这|选项|项|"
    r"because|since|as\b|not\b|and not|不|而|因|最?符合)"
)
ASKS_WRONG = re.compile(
    "(?:问|要求|求|找出|选出|选)[^。\n]{0,12}(?:错误|不正确|不恰当|不合适|不妥|不属于|不符合|不当)|选非题|"
    r"\b(?:which|asks?(?: us)?|asked|find|identify|select|choose|pick)\b[^.\n]{0,30}"
    r"\b(?:not|incorrect|wrong|false|untrue)\b",
    re.IGNORECASE,
)
