"""Outputs written before the multiple-choice reader they measure: styles x items x letters, with the letter meant.

Each style is a line with fields: {L} the chosen letter, {T} its text, {O} and {P} another letter and its text, {R} all
other letters, {S} the options as a list. `ordinary` is how models answer most of the time; `hard` is quoted opinions,
hypotheses, corrections, cut and undecided texts. Styles whose letter is meant stand in `*_READ`, those that choose
nothing in `*_NONE`. Nothing here may be changed to suit the reader: a style found wrong in itself is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

WORDS_ZH = (
    ("核对来源", "散布谣言", "请教专家", "暂不评论"),
    ("公开工资标准", "只招男性司机", "提供岗前培训", "缴纳社会保险"),
    ("未经许可翻拍他人作品", "购买正版软件", "引用时注明出处"),
    ("安装正规插座", "用铜丝代替保险丝", "定期检查线路", "离家关闭电源"),
    ("抄袭论文", "按时交作业", "参加答辩"),
)
POLAR_ZH = (("是", "否"), ("属于", "不属于"), ("合法", "不合法"), ("正确", "错误"), ("存在歧视", "没有歧视"))
WORDS_EN = (
    ("Locking the lab door", "Leaking exam papers", "Grading on time", "Emailing the schedule"),
    ("Paying the invoice", "Wearing a badge", "Bribing an inspector"),
    ("Reading to children", "Mocking a disabled colleague", "Sorting the recycling", "Booking a train"),
)
POLAR_EN = (("Yes", "No"), ("Safe", "Unsafe"), ("Harmful", "Not harmful"), ("True", "False"))

ORDINARY_READ_ZH = (
    "{L}", "{L}。", "{L}. {T}", "{L}、{T}", "（{L}）", "**{L}**", "**{L}. {T}**", "{L}：{T}", "\n\n{L}\n",
    "答案：{L}", "答案：**{L}**", "**答案：{L}**", "答案：{L}. {T}", "答案是{L}。", "正确答案是{L}。", "【答案】{L}",
    "[答案] {L}", "正确答案：{L}. {T}", "最终答案：{L}", "**最终答案**：{L}", "### 答案\n{L}", "## 最终答案\n\n**{L}**",
    "答案为 {L}。", "因此，答案是 {L}。", "所以正确答案是：**{L}**", "故选{L}。", "故本题选{L}。", "应选{L}。", "我选{L}。",
    "选{L}", "本题正确答案为{L}。", "\\boxed{{{L}}}", "最终答案是 \\(\\boxed{{{L}}}\\)", "$$\\boxed{{\\text{{{L}}}}}$$",
    '{{"answer": "{L}"}}', '```json\n{{"answer": "{L}", "reason": "见上文"}}\n```', "<answer>{L}</answer>",
    "答案：{L}\n\n解析：题干描述的做法符合该选项的定义，因此选择该项。",
    "答案：{L}\n\n解析：{R}与题意不符，故排除。",
    "{L}. {T}\n\n解释：题目中的情形正好对应这一选项。",
    "{L}\n\n理由：{O}项与题干无关。",
    "我们先分析题干。题目要求找出最合适的一项。\n\n综上所述，答案是{L}。",
    "首先，题干描述了一种常见情形。\n其次，需要结合相关规定来看。\n因此，正确答案是：\n\n{L}. {T}",
    "逐项分析之后可以看出，其余选项都不合适。\n\n**答案：{L}**",
    "{S}\n\n答案：{L}",
    "题目给出的选项如下：\n{S}\n综合考虑，正确答案是{L}。",
    "根据题意，正确的选项是{L}（{T}）。", "正确选项：{L}", "选项{L}是正确答案。", "{L}选项正确。",
    "好的，让我来回答这道题。\n\n答案：{L}",
    "经过分析，可以得出结论。\n\n---\n\n**答案：** {L}",
    "> 答案：{L}", "- 答案：{L}", "1. 分析题干。\n2. 比较选项。\n3. 得出答案：{L}",
    "答案：{L}\n答案：{L}\n答案：{L}",
    "答案：{L}。如有疑问，欢迎继续提问！",
    "參考規定之後，答案為{L}。", "正確答案：{L}", "應選{L}。",
)
ORDINARY_READ_EN = (
    "{L}", "{L}.", "({L})", "{L}) {T}", "{L}. {T}", "**{L}**", "**{L}. {T}**", "Answer: {L}", "**Answer: {L}**",
    "Answer: {L}. {T}", "The answer is {L}.", "The correct answer is {L}.", "The correct answer is **{L}**.",
    "The correct answer is ({L}) {T}.", "Final answer: {L}", "**Final Answer:** {L}", "### Answer\n{L}",
    "Therefore, the answer is {L}.", "So the correct option is {L}.", "Option {L} is correct.",
    "{L} is the correct answer.", "I would choose {L}.", "I choose {L}.", "My answer is {L}.",
    "\\boxed{{{L}}}", "Therefore, the final answer is $\\boxed{{{L}}}$.", '{{"answer": "{L}"}}',
    '```json\n{{\n  "answer": "{L}",\n  "explanation": "see above"\n}}\n```', "<answer>{L}</answer>",
    "Answer: {L}\n\nExplanation: the other options do not fit the description.",
    "Answer: {L}\n\nThe other choices are wrong because they miss the point of the question.",
    "{L}. {T}\n\nThis fits the description best.",
    "Let's think step by step. The question asks for one option.\n\nSo, the answer is {L}.",
    "Let us look at the options.\n\n{S}\n\nThe correct answer is {L}.",
    "The correct answer is:\n\n{L}. {T}", "Sure! The answer is {L}.", "Answer: ({L})",
    "Based on the above, the best answer is {L}.",
)
ORDINARY_NONE_ZH = (
    "抱歉，我无法回答这个问题。", "作为一个人工智能助手，我不便对此发表意见。", "{S}", "答案：X", "答案：", "",
    "题目信息不足，无法判断。", "答案：{L}或{O}",
)
ORDINARY_NONE_EN = (
    "I'm sorry, but I can't help with that.", "{S}", "Answer: X", "Answer:", "The answer could be {L} or {O}.",
    "There is not enough information to decide.",
)

HARD_READ_ZH = (
    "答案：{L}\n\n错误选项分析：\n{O}. {P}：与题意不符。",
    "答案：{L}\n{O}错误，原因在于混淆了概念。",
    "答案：{L}\n\n补充：假如题目换一种问法，答案就会变成{O}。",
    "答案：{L}。若题目改为反向提问，则选{O}。",
    "{L}\n解析：{O}不成立。",
    "{L}\n\n有人可能会选{O}，这是常见的错误。",
    "答案：{L}\n\n为什么不选{O}？因为{O}偏离了题意。",
    "不少同学会选{O}，但正确答案是{L}。",
    "起初我以为是{O}，后来发现应该选{L}。",
    "答案：{O}\n\n更正：答案应为{L}。",
    "答案：{O}。等等，我看错题目了，正确答案是{L}。",
    "{O}……不对，应该是{L}。",
    "答案：{O}\n\n抱歉，刚才的回答有误。正确答案：{L}",
    "先看{O}，似乎有道理；但再看{L}，更符合题意。因此选{L}。",
    "{O}不符合题意，排除。最终答案：{L}",
    "如果只看前半句，会选{O}。但结合全文，答案是{L}。",
    "- [ ] {O}. {P}\n- [x] {L}. {T}",
    "❌ {O}. {P}\n✅ {L}. {T}",
    "{O}. {P} ❌\n{L}. {T} ✅",
    "| 项目 | 内容 |\n|---|---|\n| 答案 | {L} |\n| 难度 | 中 |",
    "答案：{L}\n置信度：高",
    "答案：{L}（而不是{O}）",
    "答案不是{O}，而是{L}。",
    "不选{O}，选{L}。",
    '{{"analysis": "有人选{O}", "answer": "{L}"}}',
    '{{"answer": "{L}", "rejected": ["{O}"]}}',
    '{{"question": "略", "options": {{"{O}": "{P}", "{L}": "{T}"}}, "answer": "{L}"}}',
    "<think></think>\n\n答案：{L}",
    "<|begin_of_box|>{L}<|end_of_box|>",
    "答案：{L}\n\n下一题：以下哪项正确？\nA. 甲\nB. 乙\n答案：{O}",
    "问：哪一项？\n答：{L}",
    "我的最终选择是{L}，尽管{O}也有一定道理。",
    "答案：{L}\n\n注意：{O}在其他情况下也可能是正确的。",
    "老师的参考答案写的是{O}，但那是印刷错误，正确答案是{L}。",
    "{L}是正确答案，{O}是干扰项。",
    "综上，{O}项错误，{L}项正确，本题选{L}。",
    "本题答案：{L}。{O}的说法过于绝对，不选。",
    "虽然{O}看起来正确，但答案是{L}。",
    "答案：{L}\n\n——若将来法规修改，可能要改选{O}。",
    "請注意題幹。{O}不對，所以答案是{L}。",
    "答案：{O}\n\n重新审题后，我把答案改为{L}。",
    "答案：{L}\n\n验证：把{O}代入题干，说不通。",
)
HARD_READ_EN = (
    "Answer: {L}\n\nWhy not {O}? Because it misses the point.",
    "Answer: {L}\n\nIf the question had asked for the opposite, the answer would be {O}.",
    "The answer is {L}. Had the question been reversed, it would be {O}.",
    "Answer: {L}\n\n{O} is incorrect because it is unrelated.",
    "Many people would choose {O}, but the correct answer is {L}.",
    "At first I thought the answer was {O}, but the correct answer is {L}.",
    "Answer: {O}\n\nCorrection: the answer is {L}.",
    "The answer is {O}. Wait, I misread the question. The answer is {L}.",
    "{O}... no, it should be {L}.",
    "It is not {O}; the answer is {L}.",
    "A colleague says {O}, but I say the answer is {L}.",
    "- [ ] {O}. {P}\n- [x] {L}. {T}",
    "❌ {O}. {P}\n✅ {L}. {T}",
    "answer: {L}\nconfidence: 0.8",
    '{{"options_considered": ["{O}", "{L}"], "answer": "{L}"}}',
    "Answer: {L} (not {O})",
    "Answer: {L}\n\nNote: {O} could be right in other contexts.",
    "Answer: {L}\n\nQuestion: Which is correct?\nA. x\nB. y\nAnswer: {O}",
    "Sorry, my previous answer {O} was wrong. The correct answer is {L}.",
    "Unless the rule changes, the answer is {L}.",
    "Answer: {L}. Otherwise we would have to choose {O}.",
    "| Field | Value |\n|---|---|\n| Answer | {L} |\n| Level | easy |",
    "{O} looks tempting, but the answer is {L}.",
)
HARD_NONE_ZH = (
    "甲说选{L}，乙说选{O}，谁也说服不了谁。",
    "有网友认为答案是{L}。",
    "如果是第一种情况，答案是{L}；如果是第二种情况，答案是{O}。",
    "假如题目问的是反面，就应该选{L}。",
    "选{L}还是选{O}？这要看具体情形。",
    "答案是{L}吗？",
    "答案：{L}\n答案：{O}",
    "{L}和{O}我都不确定。",
    "可能是{L}，也可能是{O}。",
    "为什么有人会选{L}呢？",
    "请在{L}和{O}之间选择一个。",
    "格式示例：“答案：X”，其中X是选项字母。",
    "题目说“单独写一行答案：X”，我明白了。",
    "答案：{L}。不对，让我再想一想。",
    "老师说应该选{L}，学生说应该选{O}。最后没有定论。",
    '{{"options": {{"{L}": "{T}", "{O}": "{P}"}}}}',
    "{L}：{T}，这是一个选项。{O}：{P}，这也是一个选项。以上是各选项的含义。",
    "除非有新的证据，否则不能选{L}，也不能选{O}。",
    "本题有争议，{L}与{O}各有支持者。",
    "Z",
    "答案：{L}、{O}都有可能",
    "1. {L}\n2. {O}\n3. {L}\n4. {O}",
    "我上次考试选了{L}，结果没有得分。",
    "系统提示：请输入{L}或{O}。",
    "小明选择了{L}，小红选择了{O}，你觉得呢？",
)
HARD_NONE_EN = (
    "Tom says {L}, Mary says {O}, and they cannot agree.",
    "If the first reading is meant, the answer is {L}; if the second is meant, the answer is {O}.",
    "Some would say the answer is {L}.",
    "Is the answer {L}?",
    "It could be {L}, but it could also be {O}.",
    "Answer: {L}\nAnswer: {O}",
    "Please choose between {L} and {O}.",
    "Suppose the answer were {L}.",
    "The answer is {L}. No wait, let me think again.",
    '{{"{L}": "{T}", "{O}": "{P}"}}',
    "Students often pick {L}.",
    "Write `Answer: X`, where X is the letter.",
    "Had they asked earlier, the answer would have been {L}.",
    "The answer depends on the context.",
)
# what the budget cut, ending right before or inside the decision
CUT_NONE = (
    "先看{L}项，{T}，看起来有一定道理。再看{O}项，", "我们来逐项分析。{O}项不对，", "有人会选{L}，但是", "因此，正确答案是",
    "The first option to consider is {L}, which", "If we assume {L}, then", "Many would pick {L} because",
    "如果答案是{L}，那么",
)
CUT_READ = ("答案：{L}\n\n解析：根据规定，", "{L}\n\n理由：题干中的", "Answer: {L}\n\nExplanation: the", "**答案：{L}**\n\n{O}项虽然")


# --- a second batch, written after the reader had been repaired on the first ------------------------------------------
SECOND_ORDINARY_READ = (
    "{L}）{T}", "【{L}】", "选项 {L}", "答案：选项{L}", "答案：{L}）", "答案: ({L}) {T}", "我的答案：{L}", "回答：{L}",
    "正确答案：({L})", "综上，选 {L}。", "因此选择{L}。", "所以应该选择 {L} 选项。", "经过思考，我认为答案是{L}。",
    "根据题意，{L}是正确的选项。", "**正确答案：{L}**\n\n**解析**：题干的描述与该项吻合。",
    "结论：选{L}。", "这道题选{L}。", "答案为：**{L}**。", "最终选择：{L}", "**{L}**\n\n解析：略。",
    "分析：题干考查基本概念。\n结论：该项最符合。\n答案：{L}",
    "首先排除明显不合适的选项。\n然后比较剩下的选项。\n\n最终答案：**{L}. {T}**",
    "好的。\n\n**答案**\n\n{L}", "<answer>\n{L}\n</answer>", '{{"答案": "{L}"}}', '{{"choice": "{L}", "confidence": 0.93}}',
    "The correct option is {L}.", "Correct answer: {L}", "I believe the correct answer is {L}.", "I'd choose {L}.",
    "Thus, the answer is **{L}**.", "Hence, option {L} is the correct answer.", "The best option is {L}) {T}.",
    "ANSWER: {L}", "Final Answer: \\boxed{{{L}}}", "The right choice is {L}.",
    "Step 1: read the question. Step 2: compare the options.\n\n**Final answer: {L}**",
    "正確選項為{L}。", "最終答案：{L}", "綜上所述，本題選{L}。",
)
SECOND_ORDINARY_NONE = ("对不起，这个问题我回答不了。", "我不清楚。", "I don't know.", "题目：略\n{S}", "请提供更多信息。", "答案：____")
SECOND_HARD_READ = (
    "答案：{L}。倘若条件不同，答案也许会是{O}。",
    "答案：{L}\n\n易错点：容易误选{O}。",
    "答案：{L}\n\n干扰项{O}之所以错误，是因为以偏概全。",
    "{L}。\n\n{O}的问题在于缺乏依据，不能成立。",
    "参考答案是{L}，也有资料写{O}，以前者为准。",
    "我最开始倾向{O}，但最终答案是{L}。",
    "答案：{O}？不，再看一遍题目，应该选{L}。",
    "答案选{O}……抱歉，说错了，答案选{L}。",
    "他们都说{O}，可我认为答案是{L}。",
    "【答案】{L}\n【点评】部分考生会错选{O}。",
    "【解析】{O}项表述有误。\n【答案】{L}",
    "√ {L}. {T}\n× {O}. {P}",
    "{L}. {T} √\n{O}. {P} ×",
    "* [x] {L}\n* [ ] {O}",
    "1. ❌ {O}\n2. ✅ {L}",
    "答案：{L}\n\n假设题目问的是另一种情况，选{O}才对。",
    "要是不看最后一句，{O}也说得通；不过结合全文，应选{L}。",
    "答案：{L}\n\n拓展：{O}. {P}的情形将在下一章学习。",
    "即便有人主张{O}，正确答案仍然是{L}。",
    "答案{L}正确，{O}错误。",
    "{{\"thought\": \"先想到{O}\", \"final_answer\": \"{L}\"}}",
    "The answer is {L}; {O} would only be right if the facts were different.",
    "Answer: {L}\n\nOption {O} is a common mistake.",
    "Answer: {L}\n\nSomeone might argue for {O}, but that ignores the last sentence.",
    "You might be tempted to pick {O}. Don't. The answer is {L}.",
    "My first thought was {O}, but on reflection the answer is {L}.",
    "Not {O}. The answer is {L}.",
    "Answer: {O}\n\nOops, I meant {L}. Answer: {L}",
    "{O} is wrong. The correct answer is {L}.",
    "**Answer: {L}**\n\n- {O}: does not apply here.",
    "答案：{O}\n\n（更正）答案：{L}",
    "答案：{L}\n\n注：旧版教材的答案是{O}，现已修订。",
)
SECOND_HARD_NONE = (
    "张三选{L}，李四选{O}。", "据说答案是{L}。", "题库里的答案有的写{L}，有的写{O}。", "假定答案是{L}，会推出什么？",
    "{L}？{O}？我也拿不准。", "答案也许是{L}，也许是{O}。", "如果允许多选，我会选{L}和{O}。", "不知道该选{L}还是{O}。",
    "让我想想{L}和{O}的区别。", "请把答案写成“答案：X”的形式。", "要判断{L}是否正确，需要更多信息。",
    "He says the answer is {L}.", "Is it {L} or {O}?", "The answer may be {L} or {O}; I cannot tell.",
    "One could argue for {L}, and one could argue for {O}.", "If you had asked yesterday, I would have said {L}.",
    "Let me compare {L} and {O}.", "I can't choose between {L} and {O}.", "You should answer in the form `Answer: X`.",
    '{{"scores": {{"{L}": 0.4, "{O}": 0.6}}}}', "答案：{L}\n\n答案：{O}", "{L}有{L}的道理，{O}有{O}的道理。",
    "原题的选项{L}和选项{O}顺序可能印反了。", "我的朋友选了{L}。",
)


# --- a third batch, written after the reader had been repaired on the second ------------------------------------------
THIRD_ORDINARY_READ = (
    "答：{L}。", "此题选{L}。", "答案是：{L}、{T}", "我认为正确答案是{L}。", "正确答案应该是{L}。", "应该选{L}：{T}",
    "最终答案为{L}。", "所以，答案选{L}。", "**选{L}**", "选项{L}正确。", "**{L}：{T}**", "{L}\n\n{T}符合题目的描述。",
    "根据以上分析，选项{L}最符合题意。", "综合以上各点，本题的正确答案为：{L}", "这个问题的答案是 {L}。",
    "让我们一步一步来思考。\n第一，题目问的是什么？\n第二，哪个选项最贴切？\n\n所以答案是 **{L}**。",
    "## 分析\n题干给出了明确的条件。\n\n## 答案\n{L}", "答案：{L}\n解释：\n- 题干的关键词与该选项一致。",
    "$\\boxed{{{L}}}$", "**Answer**: {L}", "My final answer is {L}.", "The answer would be {L}.", "Answer is ({L}).",
    "Out of the options given, the correct one is {L}.", "So the answer is {L}: {T}.", "**{L}) {T}**", "Option {L}",
    "Looking at each option in turn, the only one that fits is {L}.", "The answer: {L}", "I think it's {L}.",
)
THIRD_ORDINARY_NONE = ("无法回答。", "这道题没有正确答案。", "As an AI, I cannot take a position.", "{S}\n请选择。", "嗯。", "答案：X\n")
THIRD_HARD_READ = (
    "答案：{L}\n\n你也许会问，为什么{O}不行？原因在于题干的限定词。",
    "同学甲：选{O}。\n老师：不对。\n答案：{L}",
    "{O}项夸大其词；{L}项准确。故答案为{L}。",
    "答案：{L}\n\n假使没有第三个条件，本题就该选{O}。",
    "在{O}与{L}之间比较，后者没有依据的说法站不住脚，答案是{L}。",
    "【正确答案】{L}【易错答案】{O}",
    "答案：{L}\n常见误区：认为{O}正确。",
    "答案：{L}\n反例：如果选{O}，就会和题干矛盾。",
    "说实话，我一度想填{O}，但最后填了{L}。答案：{L}",
    "我收回刚才的{O}，答案是{L}。",
    "答案：{O}\n\n以上有误，更正为：{L}",
    "答案：{O}\n\n检查：等一下，题目问的是反面。\n\n最终答案：{L}",
    "{{\"A\": 0.1, \"B\": 0.2, \"answer\": \"{L}\"}}",
    "```json\n{{\"answer\": \"{L}\", \"why_not\": {{\"{O}\": \"答案不是它\"}}}}\n```",
    "| 选项 | 结论 |\n|---|---|\n| {O} | 错误 |\n| {L} | 正确 |\n\n答案：{L}",
    "- {O}：❌\n- {L}：✅\n\n答案：{L}",
    "☑ {L}. {T}\n☐ {O}. {P}",
    "The textbook lists {O}, but that is a misprint; the answer is {L}.",
    "Answer: {L}\n\nCommon wrong answer: {O}.",
    "Answer: {L}. If the facts changed, {O} might be the answer.",
    "{O}? No. The answer is {L}.",
    "Answer: {O}\n\nActually, that is not right. The correct answer is {L}.",
    "While {O} has some merit, I would go with {L}.",
    "Some sources give {O}; however, the correct answer is {L}.",
    "Answer: {L}\n\nQ: Why is it not {O}?\nA: Because it does not follow.",
    "(A student wrote \"{O}\".) The correct answer is {L}.",
    "答案：{L}\n\n若仍有疑问，可以再看看选项{O}的定义。",
    "答案：{L}\n{O}为何不对：前提不成立。",
    "選項{O}看似合理，但忽略了前提，所以正確答案是{L}。",
    "答案：{L}\n（{O}是上一题的答案）",
)
THIRD_HARD_NONE = (
    "王老师认为选{L}，李老师认为选{O}。", "论坛上有人贴出答案{L}，真假不明。", "若按旧规定，选{L}；若按新规定，选{O}。",
    "假如我是考生，我可能会选{L}。", "本题考查{L}与{O}的区别。", "答案究竟是{L}还是{O}，目前没有定论。",
    "“选{L}吧！”他喊道。", "选择{L}的人占四成，选择{O}的人占六成。", "上一题的答案是{L}。", "下面是示例：\n“答案：{L}”",
    "模型需要输出一个字母，例如{L}。", "如果答案是{L}，那么题干就自相矛盾；如果答案是{O}，也一样。",
    "我无法在{L}和{O}中做出选择。", "答案可能有多个。", "“{L}”和“{O}”这两个选项写得太模糊。",
    "Half of the class chose {L}.", "The teacher said it was {L}, the book says {O}.", "Maybe {L}, maybe {O}.",
    "An example of a valid reply would be: Answer: {L}", "Whether the answer is {L} depends on the law.",
    "If this is an exam question, the expected answer might be {L} or {O}.", "Neither {L} nor {O} is right.",
    "\"The answer is {L},\" said the boy.", "{{\"choices\": [\"{L}\", \"{O}\"]}}", "Compare {L} with {O} first.",
    "What if the answer is {L}?",
)


# --- a fourth batch, written after the reader had been repaired on the third ------------------------------------------
FOURTH_ORDINARY_READ = (
    "正确答案：{L}。", "答案：**{L}：{T}**", "本题的答案是{L}，理由如下。", "综上所述，正确选项为{L}。", "因此答案为{L}，即{T}。",
    "根据题目描述，应当选择{L}。", "我的选择是{L}。", "经分析，本题选{L}。", "{L}（{T}）", "{L}，{T}",
    "这道题的正确答案是{L}。\n\n因为该选项与题干一致。", "### 结论\n\n**{L}. {T}**", "答案：{L}；理由：符合题意。",
    "题干关键词已经标出。\n\n答案：\n{L}", "【答案】：{L}", "[答案]：{L}\n[分析]：略", "Answer：{L}", "答案是选项{L}。",
    "The correct answer is option {L}.", "Correct option: {L}", "The answer is option {L}: {T}.", "I pick {L}.",
    "**The correct answer is {L}.**", "After considering all options, the answer is {L}.", "Final Answer: {L}.",
    "In summary, the correct answer is {L}.", "Based on the description, {L} is the best answer.", "Choice: {L}",
)
FOURTH_HARD_READ = (
    "答案：{L}\n解析：先排除{O}，再看其余。",
    "答案：{L}。（{O}虽常见，却不合题意。）",
    "我改主意了：不是{O}，是{L}。",
    "答案：{O}\n（修正）经复核，答案应改为{L}。",
    "最初的判断是{O}；复核之后，正确答案是{L}。",
    "答案：{L}\n\n对{O}的说明：该项混淆了主体。",
    "小王选了{O}，他错了，正确答案是{L}。",
    "答案：{L}\n注意，{O}项不成立；{O}项的结论错误。",
    "先说结论：{L}。至于{O}，下文再议。",
    "[x] {L}\n[ ] {O}",
    "{O} ❌\n{L} ✅\n\n因此选{L}。",
    "答案：{L}\n\n思考题：若换成另一主体，是否应选{O}？",
    "问题在于{O}没有依据，因此答案是{L}。",
    "<p>答案：<b>{L}</b></p>",
    "答案：{L}\n\n用户：为什么不是{O}？\n助手：因为{O}不对。",
    "The answer is {L}, not {O}.",
    "Answer: {L}\n\nIncorrect options: {O} is irrelevant.",
    "Although {O} appears correct, the answer is {L}.",
    "I initially chose {O}. That was a mistake. The answer is {L}.",
    "Answer: {L}\n\nIn a different jurisdiction, {O} would be correct.",
    "If I had to guess, I'd say {L}.",
    "They argue that {O} is right. I disagree: the answer is {L}.",
    "**{L}**\n\n{O} is wrong.",
)
FOURTH_HARD_NONE = (
    "老张觉得答案是{L}，我还没想好。", "有一种观点主张{L}，另一种观点主张{O}。", "原告认为应选{L}，被告认为应选{O}。",
    "只有在满足条件时才选{L}，否则选{O}。", "{L}和{O}都说得通。", "答案：{L}或者{O}。", "倘若{L}成立，则{O}也成立。",
    "假设你是考官，你会选{L}吗？", "网上流传的答案是{L}，但来源不可靠。", "这题我先跳过，回头再比较{L}和{O}。",
    "{{\"{L}\": \"对\", \"{O}\": \"对\"}}", "提示：可以从{L}入手。", "出题人可能想让我们选{L}。",
    "答案：\n", "选项{L}：{T}\n选项{O}：{P}\n请您选择。", "先看{L}，再看{O}，", "两个选项{L}和{O}的差别很小。",
    "My classmates answered {L}.", "Would you choose {L} or {O}?", "Both {L} and {O} have their supporters.",
    "According to some, the answer is {L}.", "The model answered {L} in an earlier run.", "Option {L} reads: {T}.",
    "Had I known, I would have chosen {L}.", "Suppose we choose {L}. Then the premise fails.",
    "It might be {L}; then again, it might be {O}.", "Answer: {L} / {O}", "Options: {L} or {O}?",
)


@dataclass(frozen=True)
class Written:
    """One output and the letter it means; None where it chooses nothing."""

    style: str
    kind: str
    options: tuple[str, ...]
    output: str
    letter: str | None
    cut: bool = False


def written() -> Iterator[Written]:
    """All outputs: every style with several items and letters."""
    zh, en = WORDS_ZH + POLAR_ZH, WORDS_EN + POLAR_EN
    for kind, styles, items, read in (
        ("ordinary", ORDINARY_READ_ZH, zh, True), ("ordinary", ORDINARY_READ_EN, en, True),
        ("ordinary", ORDINARY_NONE_ZH, zh, False), ("ordinary", ORDINARY_NONE_EN, en, False),
        ("hard", HARD_READ_ZH, zh, True), ("hard", HARD_READ_EN, en, True),
        ("hard", HARD_NONE_ZH, zh, False), ("hard", HARD_NONE_EN, en, False),
        ("hard", CUT_NONE, zh, False), ("hard", CUT_READ, zh, True),
        ("second ordinary", SECOND_ORDINARY_READ, zh + en[:2], True), ("second ordinary", SECOND_ORDINARY_NONE, zh, False),
        ("second hard", SECOND_HARD_READ, zh + en[:2], True), ("second hard", SECOND_HARD_NONE, zh + en[:2], False),
        ("third ordinary", THIRD_ORDINARY_READ, zh + en[:2], True), ("third ordinary", THIRD_ORDINARY_NONE, zh, False),
        ("third hard", THIRD_HARD_READ, zh + en[:2], True), ("third hard", THIRD_HARD_NONE, zh + en[:2], False),
        ("fourth ordinary", FOURTH_ORDINARY_READ, zh + en[:2], True),
        ("fourth hard", FOURTH_HARD_READ, zh + en[:2], True), ("fourth hard", FOURTH_HARD_NONE, zh + en[:2], False),
    ):  # fmt: skip
        cut = styles in (CUT_NONE, CUT_READ)
        for n, style in enumerate(styles):
            for m, options in enumerate(items):
                chosen = (n + m) % len(options)
                output = fill(style, options, chosen, (chosen + 1 + m % (len(options) - 1)) % len(options))
                yield Written(style, kind, options, output, "ABCD"[chosen] if read else None, cut)


def fill(style: str, options: tuple[str, ...], chosen: int, other: int) -> str:
    """A style with an item's letters and texts."""
    letters = "ABCDEFGH"[: len(options)]
    return style.format(
        L=letters[chosen], T=options[chosen], O=letters[other], P=options[other],
        R="、".join(x for i, x in enumerate(letters) if i != chosen),
        S="\n".join(f"{x}. {t}" for x, t in zip(letters, options, strict=True)),
    )  # fmt: skip
