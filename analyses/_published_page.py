"""The page of `published_claims.py`, from the numbers that it keeps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from _published_claims import CLAIMS, CONSTANT, Published

from kdprobe.core.section import Column, Content, Figure, Table
from kdprobe.report import words
from kdprobe.report.page import compose
from kdprobe.report.theme.forest import Line, forest

QUESTION = "Do published claims on distillation hold here?"
RULES = (
    "The rule of each claim was committed before any result. A setting is one data set with one temperature or amount; differences are "
    "paired by seed. It speaks for a claim where a mean above 0 is shown, and against it where a mean below a fifth of the untaught twins’ "
    "standard deviation over seeds is, one-sided at 5 %, Holm-adjusted over the settings of the claim. More than half of the settings "
    "decide. Accuracy decides, R² of a regression, because papers speak of it; calibrated NLL, or squared error, stands beside it.",
    f"The law of a constant ratio: for each student size the teacher sizes that may be best. Such a set speaks for the law where it holds "
    f"one within a factor √2 of {CONSTANT:g} times the student and does not hold the largest teacher, and against it where it holds none.",
)
LIMITS = (
    "These are perceptrons with one hidden layer, of up to 256 units, on tables and small images, with thousands of labelled rows at most. "
    "The papers speak of deep convolutional networks on CIFAR and ImageNet, and of language models. A verdict here says whether the claim "
    "holds of small networks, where it is often told as a rule of distillation; it overturns no result at the papers’ own scale.",
    "All seeds share one draw of labelled rows, and α is .5 throughout. Stops and temperatures are the few that are listed, not chosen on "
    "validation rows.",
)
ROLES = {"for": "one", "against": "two"}
FOLLOWS = {"SUPPORTED": "holds", "CONTRADICTED": "does not hold", "INCONCLUSIVE": "is not settled"}


def page(found: Mapping[str, Any]) -> str:
    """The whole page."""
    claims = {one["name"]: one for one in found["claims"]}
    answers = (overall(claims), *(answer(one, claims[one.name]) for one in CLAIMS))
    columns = (
        Column(key="claim", title="claim"), Column(key="says", title="says", shown="prose"),
        Column(key="source", title="of", shown="prose"),
        Column(key="expected", title="expected", shown="prose"), Column(key="verdict", title="outcome"),
        Column(key="by_loss", title="by loss", explains="what the same rule would say of calibrated NLL or squared error"),
        Column(key="found", title="settings", shown="prose"),
    )  # fmt: skip
    rows = tuple(
        {
            "claim": one.name, "says": one.says, "source": one.source, "expected": one.expected, "verdict": claims[one.name]["verdict"],
            "by_loss": claims[one.name].get("by_loss", ""), "found": counted(claims[one.name]),
        }
        for one in CLAIMS
    )  # fmt: skip
    missing = (f"Not to be had: {'; '.join(found['missing'])}.",) if found["missing"] else ()
    table = Table(caption="Claims of papers, with their outcome", columns=columns, rows=rows)
    sections = [
        ("answer", "Which of them hold?", Content(words=answers, figures=figures(claims))),
        ("claims", "How were they judged?", Content(words=(*RULES, *missing), tables=(table,))),
        ("settings", "What was found in each setting?", Content(tables=tuple(_settings(one, claims[one.name]) for one in CLAIMS))),
        ("limits", "What scale can this speak of?", Content(words=LIMITS)),
    ]
    lede = (
        f"Five claims, {sum(len(one['settings']) for one in claims.values())} settings on letters, digits, Fashion-MNIST and bikeshare, "
        f"{found['seeds']} paired seeds. Small perceptrons: what holds of deep networks is another question. Intervals are 95 %."
    )
    return compose(QUESTION, lede, sections)


def overall(claims: Mapping[str, Any]) -> str:
    """How many claims hold."""
    told = [claims[one.name]["verdict"] for one in CLAIMS]
    held, fallen, open_ = (told.count(word) for word in FOLLOWS)
    return f"Of {len(told)} published claims {held} {'holds' if held == 1 else 'hold'} here, {fallen} not, and {open_} stay unsettled."


def counted(claim: Mapping[str, Any]) -> str:
    """How many settings speak for a claim and against it."""
    told = [row["told"] for row in claim["settings"]]
    return f"{told.count('for')} of {len(told)} speak for it, {told.count('against')} against it"


def answer(one: Published, claim: Mapping[str, Any]) -> str:
    """A sentence: what comes of a claim, and its numbers."""
    head = f"That {one.says} {FOLLOWS[claim['verdict']]} here: {counted(claim)}"
    if not claim["settings"]:
        return f"{head}."
    if one.name == "law":
        ratios = sorted({ratio for row in claim["settings"] for ratio in row["best"]})
        means = [row["ratios"][int(np.argmax(row["gains"]))] for row in claim["settings"]]
        return (
            f"{head}; sizes that may be best run from {min(ratios):g} to {max(ratios):g} times the student’s, and the best mean lies at "
            f"{min(means):g} to {max(means):g} times."
        )
    middle = sorted(claim["settings"], key=lambda row: row["score"][0])[len(claim["settings"]) // 2]
    return f"{head}; in the middle setting ({middle['where']}) the difference is {words.interval(*middle['score'])}."


def figures(claims: Mapping[str, Any]) -> tuple[Figure, ...]:
    """One forest a claim of differences: every setting with its interval and its seeds."""
    found = []
    for one in CLAIMS:
        rows = claims[one.name]["settings"]
        if one.name == "law" or not rows:
            continue
        lines = [
            Line(label=row["where"], role=ROLES.get(row["told"], "muted"), values=((*row["score"], np.array(row["seeds"])),))
            for row in rows
        ]  # fmt: skip
        svg = forest(
            lines, columns=["accuracy or R²"], prefix=f"p{one.name}", title=f"{one.name}: {one.difference}",
            description=". ".join(f"{row['where']}: {words.interval(*row['score'])}, {row['told']}" for row in rows), names=170.0,
        )  # fmt: skip
        found.append(
            Figure(svg=svg, caption=f"{one.name}: {one.difference}. Right of the line the claim is right. Grey: neither for nor against.")
        )
    return tuple(found)


def _settings(one: Published, claim: Mapping[str, Any]) -> Table:
    if one.name == "law":
        columns = (
            Column(key="where", title="setting"), Column(key="student", title="student’s size", shown="number"),
            Column(key="sizes", title="may be best", explains="teacher sizes over the student’s"),
            Column(key="curve", title="gain by ratio", shown="prose", explains="mean gain in accuracy or R² over the untaught twin"),
            Column(key="told", title="speaks"),
        )  # fmt: skip
        rows = tuple(
            {
                **row, "sizes": ", ".join(f"{ratio:g}" for ratio in row["best"]),
                "curve": ", ".join(f"{ratio:g}: {words.plain(gain)}" for ratio, gain in zip(row["ratios"], row["gains"], strict=True)),
            }
            for row in claim["settings"]
        )  # fmt: skip
        return Table(caption=f"{one.name}: {one.difference}", columns=columns, rows=rows)
    columns = (
        Column(key="where", title="setting"), Column(key="score", title="accuracy or R²", shown="interval"),
        Column(key="margin", title="margin", shown="number"), Column(key="told", title="speaks"),
        Column(key="loss", title="by loss", shown="interval", explains="calibrated NLL or squared error, above 0 is better"),
        Column(key="loss_told", title="by loss it speaks"), Column(key="note", title="note", shown="prose"),
    )  # fmt: skip
    rows = tuple({**row, "score": tuple(row["score"]), "loss": tuple(row["loss"])} for row in claim["settings"])
    return Table(caption=f"{one.name}: {one.difference}", columns=columns, rows=rows)
