"""What would change our mind?"""

from kdprobe.core.section import Column, Content, Section, Table
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence


def draw(evidence: Evidence) -> Content | None:
    """Gather what would overturn the verdicts of the sections before this one, each once, with where it applies."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for card in evidence.cards:
        for finding in card.findings:
            if finding.change_our_mind:
                key = (finding.claim, finding.verdict, finding.change_our_mind)
                places.setdefault(key, []).append(f"{card.headline.partition(' (')[0]}, {finding.scope}")
    if not places:
        return None
    rows = tuple(
        {"claim": claim, "verdict": verdict, "text": text, "where": "; ".join(where)} for (claim, verdict, text), where in places.items()
    )
    return Content(words=(_always(evidence),), tables=(Table(caption="What would overturn each verdict", columns=COLUMNS, rows=rows),))


def _always(evidence: Evidence) -> str:
    """What every verdict of the page depends on."""
    if evidence.asks == "knowledge":
        if len(evidence.provenance().get("plan", {}).get("alphas", ())) == 1:
            return (
                "Each verdict speaks of one fixed α, T, learning rate and number of steps, as far as they apply. Any of them could fall in "
                "a sweep where these are tuned for each distiller."
            )
        return (
            "Each verdict speaks of one fixed T, learning rate and number of steps, as far as they apply; α was chosen for each seed on "
            "the validation rows of the other seeds, where several were tried. Any of them could fall in a sweep where the others are "
            "tuned for each distiller too."
        )
    fixed = "one fixed setting of α, T, learning rate and number of steps, as far as they apply"
    if evidence.tune and evidence.tuned_groups:
        chosen = words.listed([words.setting(name) for name in evidence.tune])
        return (
            f"Verdicts of what is tuned speak of {chosen} as chosen for each teacher size on validation rows, the others of {fixed}. "
            "Any of them could fall in a sweep that tunes more."
        )
    return (
        f"Each verdict speaks of {fixed}. Any of them could fall in a sweep where these are tuned for each teacher size on validation rows."
    )


COLUMNS = (
    Column(key="claim", title="claim"),
    Column(key="verdict", title="verdict"),
    Column(key="text", title="would change our mind", shown="prose"),
    Column(key="where", title="where", shown="prose"),
)

MIND = Section(name="mind", question="What would change our mind?", draw=draw, part="change our mind")
