"""The page as a file: its order, its honesty, its safety, how it is written."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

import kdprobe
from kdprobe.core import registry
from kdprobe.core.errors import ContractError, DataError, PlanError
from kdprobe.core.section import VERDICTS, Card, Column, Content, Finding, Section, Table
from kdprobe.report import answer_lines, report, report_with_verdicts, verdict_lines
from kdprobe.report import page as page_module
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.page import drawn_sections, merged_cards, render, runs_table, strip_scale
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

SMALL = ZooWorld(seeds=3, tasks=(("letters", "classification"),), student_widths=(8,))


class Outline(HTMLParser):
    """Headings, ids, links and attributes of a page."""

    def __init__(self, html):
        super().__init__()
        self.headings, self.ids, self.links, self.attributes, self.tags = [], [], [], [], []
        self._inside = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "srcset", "action", "data")]
        if tag in ("h1", "h2"):
            self._inside = tag
            self.headings.append("")

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data):
        if self._inside:
            self.headings[-1] += data


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page.html)


def test_the_order_is_question_verdict_evidence_mind_runs_provenance(outline):
    assert outline.headings == [
        "Which teacher size serves this student best, and how much of the teacher arrives?",
        "Verdicts",
        "Which teacher size serves this student best?",
        "How much of the teacher arrived, and is it this teacher's own?",
        "How much of the teacher's information arrived, and what was left behind?",
        "Do students show the known signs of failed distillation?",
        "Is anything found where nothing was taught?",
        "What would change our mind?",
        "What did each cell give?",
        "What failed, or had no answer?",
        "Where do these numbers come from?",
        "How often are such verdicts wrong?",
        "What do the words mean?",
    ]


def test_one_card_a_task_and_student_with_a_line_a_regime_and_claim(page):
    cards = re.findall(r'<article class="card".*?</article>', page.html, re.DOTALL)
    assert len(cards) == 6
    for card in cards:
        assert len(re.findall(r'<strong class="verdict', card)) == 6
        assert card.count("same rows") >= 2
        assert card.count("<svg") == 1


def test_every_claim_has_an_interval(page):
    for card in re.findall(r'<div class="finding">.*?</div>', page.html, re.DOTALL):
        assert re.search(r"\[[−\d.]+, [−\d.]+\]", card), card


def test_the_size_of_a_default_page(page):
    assert len(page.html.encode()) < 300_000


def test_the_same_zoo_gives_the_same_bytes_in_every_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from kdprobe.report import report; from kdprobe.testing.worlds.zoo import ZooWorld;"
        "report(ZooWorld(seeds=3, student_widths=(8,)).zoo(), Path(sys.argv[1]))"
    )
    paths = [tmp_path / name / "page.html" for name in ("a", "b")]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        subprocess.run([sys.executable, "-c", code, path], check=True, env=os.environ | {"PYTHONHASHSEED": str(seed)})
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert paths[0].with_name("page.runs.csv").read_bytes() == paths[1].with_name("page.runs.csv").read_bytes()


def test_the_policy_names_the_hashes_of_what_is_there(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.html).group(1)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        content = re.findall(rf"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        assert len(content) == 1
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_is_loaded_and_nothing_needs_an_inline_style(page, outline):
    assert {link for link in outline.links if not link.startswith("#")} == {"runs.csv"}
    assert not [a for a in outline.attributes if a[1] == "style" or a[1].startswith("on")]
    assert not set(outline.tags) & {"img", "iframe", "object", "embed", "link", "form", "base", "video", "audio"}


def test_ids_are_unique_and_links_lead_somewhere(outline):
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


def test_the_page_carries_what_is_needed_to_repeat_it(page):
    for text in ("kdprobe sweep --gap --out sweep-gap", "0123456789ab", "Nothing deviated from it", "2 cores"):
        assert text in page.html


def test_paths_hosts_and_users_stay_at_home(tmp_path):
    reason = 'Traceback: File "/home/lovelace/kd/train.py", line 3; C:\\Users\\lovelace\\kd.py; tcp://lovelace-pc.local:8786'
    failed = ("same_rows", 16, 8, 0)
    path = report(replace(SMALL, failed=(failed,), reason=reason).zoo(), tmp_path / "report.html")
    for text in (path.read_text(), (tmp_path / "runs.csv").read_text()):
        assert "train.py" in text
        assert "lovelace" not in text


def test_verdict_lines_are_the_cards_in_plain_words():
    zoo = ZooWorld(student_widths=(8,), tasks=SMALL.tasks).zoo()
    lines = verdict_lines(zoo)
    assert answer_lines(zoo)[0].startswith(
        "letters · student mlp-8 (0.4 k parameters): Teach this student with one of widths 16 and 64 on same rows: "
    )
    assert len(lines) == 6
    start = "letters · student mlp-8 (0.4 k parameters) · same rows: "
    helps, gap = lines[0], lines[2]
    assert helps.startswith(start)
    assert "teaching helps. At α 1, T 1: largest gain over " in helps
    assert "the untaught twin" in helps
    assert gap.startswith(start + "SUPPORTED: capacity gap. At α 1, T 1: best teachers are widths 16 and 64 of 8…256 (95 % set, 10 seeds).")
    # nobody is to stop at a gap that one temperature removes: the verdict is of the loss after it, the loss as it is stands last
    assert "The largest costs 0.07 nats [0.03, 0.12] against width 16. In accuracy it costs 0.052 [0.038, 0.065]: SUPPORTED; " in gap
    assert gap.endswith("in NLL as it is it costs 0.16 nats [0.11, 0.19]: SUPPORTED.")
    assert "transfer rows: SUPPORTED (under widths 16 to 256): teacher-specific transfer. Agreement, mean over larger" in lines[5]
    for line in lines:
        assert re.search(f" · (same|transfer) rows: ({'|'.join(VERDICTS)})", line)
        assert "<" not in line
        assert "\n" not in line


def test_failed_runs_are_shown_and_left_out_in_pairs(tmp_path):
    failed = (("same_rows", 16, 8, 0), ("same_rows", 64, 8, 0))
    zoo = ZooWorld(tasks=SMALL.tasks, student_widths=(8,), failed=failed).zoo()
    html = render(Evidence(zoo), runs="runs.csv")
    assert html.count("the loss is not finite after step 350") >= 2
    assert "9 of 10" in html
    assert "2 networks of" in html
    line = verdict_lines(zoo)[2]
    assert "(95 % set, 10 seeds)" in line
    assert "Missing runs: width 16 in 1 and width 64 in 1 of 10 seeds; two teachers are compared by the seeds that have both." in line


def test_few_seeds_name_no_best_teachers():
    line = verdict_lines(ZooWorld(student_widths=(8,), tasks=SMALL.tasks, seeds=3).zoo())[2]
    assert "INCONCLUSIVE (direction only: below 8 seeds): capacity gap. At α 1, T 1: 3 seeds are too few to name the best" in line
    assert "not ruled out." in line
    assert "95 % set" not in line
    html = render(Evidence(replace(SMALL, seeds=3).zoo()), runs="runs.csv")
    assert "Best teacher" not in html
    assert "best sizes (95 % set); what" not in html


def test_where_no_size_is_ruled_out_all_may_be_best():
    arm = TrueArm(gain=dict.fromkeys((8, 16, 32), 0.1), over_confidence=0.0)
    flat = ZooWorld(tasks=SMALL.tasks, student_widths=(8,), arms=(arm,)).zoo()
    assert "capacity gap. At α 1, T 1: all teacher sizes may be best: none of width 8…32 is ruled out (10 seeds)." in verdict_lines(flat)[1]


def test_one_seed_gives_numbers_no_verdict_could_stand_on(tmp_path):
    zoo = replace(SMALL, seeds=1).zoo()
    html = render(Evidence(zoo), runs="runs.csv")
    assert "one seed gives no interval" in html
    assert "fewer than two seeds" in html
    assert 'class="verdict supported"' not in html


def test_one_teacher_size_is_not_applicable():
    zoo = ZooWorld(tasks=SMALL.tasks, student_widths=(8,), arms=(TrueArm(gain={32: 0.1}),)).zoo()
    said = "NOT APPLICABLE (one teacher size): capacity gap. At α 1, T 1: 1 teacher width, 10 seeds: one teacher size."
    assert said in verdict_lines(zoo)[1]
    assert "<svg" in render(Evidence(zoo), runs="runs.csv")


def test_draws_are_clusters():
    lines = verdict_lines(ZooWorld(tasks=SMALL.tasks, student_widths=(8,), draws=9, seeds=2).zoo())
    assert "18 seeds in 9 draws" in lines[0]


def test_refused_questions_say_why(small_world):
    class Refusing:
        def __getattr__(self, name):
            return getattr(small_world, name)

        def measurements(self):
            found = small_world.measurements()
            width, seed = found["teacher_width"], found["seed"]
            refused = (found["probe"] == "recovered") & ((width == 8) | ((width == 16) & (seed == 0)))
            reason = "the teacher is better by -0.01" + seed.astype(str) + " [-1.5e-3, 2] nats"
            return found.assign(
                value=found["value"].mask(refused),
                status=found["status"].mask(refused, "refused"),
                reason=found["reason"].mask(refused, reason),
            )

    html = render(Evidence(Refusing()), runs="runs.csv")
    assert html.count(">refused, 3 of 3<") == 2
    assert html.count(">2 of 3</small>") == 2
    # reasons that differ in their numbers are one
    assert re.search(r"<td>8<td class=prose>the teacher is better by -0.01", html)


def test_a_probe_joins_the_tables_by_being_measured():
    html = render(Evidence(replace(SMALL, extra_probe="worst_row").zoo()), runs="runs.csv")
    cells = html[html.index('id="cells"') :]
    # of the likenesses the one of the verdicts stands with the cells, all of them in the table of three parts
    assert not re.search(r"<th[^>]*>worst_row<", cells)
    assert re.search(r"<th[^>]*>Agreement<", cells)
    assert "Of the similarities the one that verdicts are of stands here" in cells
    assert "worst_row" in html[html.index('id="transfer"') : html.index('id="failures"')]


def test_a_section_joins_the_page_by_being_registered(monkeypatch, small_world):
    finding = Finding(claim="mine", scope="here", verdict="SUPPORTED", sentences=("1 [0, 2].",), change_our_mind="more of it.")
    content = Content(
        cards=(Card(headline="a thing", findings=(finding,)),),
        words=("Words & <b>words</b>.",),
        tables=(
            Table(caption="t", columns=(Column(key="a", title="A"), Column(key="b", title="B", shown="interval")), rows=({"a": "x"},)),
        ),
    )
    mine = Section(name="mine", question="Is it mine?", draw=lambda zoo: content if len(zoo.models()) else None, order=99)
    silent = Section(name="silent", question="Nothing?", draw=lambda zoo: None)
    known = registry.available("sections")
    # by the module's name: kdprobe.report is the function once kdprobe is imported
    monkeypatch.setattr(sys.modules["kdprobe.report.page"], "available", lambda kind: known | {"mine": mine, "silent": silent})
    html = render(Evidence(small_world), runs="runs.csv")
    assert "Words &amp; &lt;b&gt;words&lt;/b&gt;." in html
    places = [html.index(text) for text in ("Do students show", 'mine-heading">Is it mine?', "What would change our mind?</h2>")]
    assert places == sorted(places)
    assert "more of it." in html[html.index("What would change our mind?</h2>") :]
    assert "Nothing?" not in html
    lines = [str(finding) for _, drawn in drawn_sections(small_world) for card in drawn.cards for finding in card.findings]
    assert lines[-1] == "here: SUPPORTED: mine. 1 [0, 2]."


def test_cards_with_one_headline_are_one():
    findings = [Finding(claim=claim, scope="s", verdict="SUPPORTED", sentences=()) for claim in "ab"]
    first, second, other = (Card(headline=name, findings=(finding,)) for name, finding in zip("xxy", [*findings, findings[0]], strict=True))
    merged = merged_cards([first, other, second])
    assert [(card.headline, len(card.findings)) for card in merged] == [("x", 2), ("y", 1)]


def test_strips_of_a_column_share_a_scale():
    column = Column(key="s", title="S", shown="strip")
    table = Table(caption="", columns=(column,), rows=({"s": [0.1, 0.4]}, {"s": [-0.2]}, {"s": []}, {}))
    assert strip_scale(table, column) == (-0.2, 0.4)
    assert strip_scale(replace(table, rows=()), column) == (0.0, 1.0)


def test_wrong_words_are_refused():
    with pytest.raises(ContractError, match=r"verdict 'MAYBE' of 'gap' is not one of SUPPORTED, CONTRADICTED"):
        Finding(claim="gap", scope="", verdict="MAYBE", sentences=())
    with pytest.raises(ContractError, match=r"section 'x' has part 'middle': use one of verdict, evidence, change our mind"):
        Section(name="x", question="?", draw=lambda zoo: None, part="middle")


def test_where_the_runs_go(small_world, tmp_path):
    report(small_world, tmp_path / "report.html")
    report(small_world, str(tmp_path / "gap of letters.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gap of letters.html", "gap of letters.runs.csv", "report.html", "runs.csv"]
    assert 'href="gap%20of%20letters.runs.csv"' in (tmp_path / "gap of letters.html").read_text()
    rows = (tmp_path / "runs.csv").read_text().splitlines()
    assert len(rows) == 1 + len(small_world.models())


def test_wrong_paths(small_world, tmp_path):
    with pytest.raises(PlanError, match="is a folder: name the file to write, such as"):
        report(small_world, tmp_path)
    with pytest.raises(PlanError, match="its folder does not exist: make it first"):
        report(small_world, tmp_path / "no" / "report.html")
    with pytest.raises(DataError, match="is not a zoo"):
        report(tmp_path, tmp_path / "report.html")


def test_a_page_that_cannot_be_written_leaves_the_old_one(small_world, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text(old := '<!doctype html>\n<meta name="generator" content="kdprobe 0.1.0">\nthe old page')
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DataError, match="No space left on device: free some space or choose another folder"):
        report(small_world, path)
    assert path.read_text() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_zoo_without_students_has_no_report(small_world, tmp_path):
    class Empty:
        def __getattr__(self, name):
            return getattr(small_world, name)

        def models(self):
            models = small_world.models()
            return models[models["role"] == "teacher"]

    with pytest.raises(DataError, match="the zoo holds no student, so there is nothing to report: run the sweep to its end first"):
        report(Empty(), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_real_zoo(small_zoo_folder, tmp_path, monkeypatch):
    drawn, draw = [], page_module._drawn
    monkeypatch.setattr(page_module, "_drawn", lambda section, evidence: drawn.append(section.name) or draw(section, evidence))
    with kdprobe.Zoo(small_zoo_folder) as zoo:
        path, lines, answers = report_with_verdicts(zoo, tmp_path / "report.html")
        assert len(drawn) == len(set(drawn)) > 9, "each section is drawn once, for the page and for its lines"
        assert lines == verdict_lines(zoo)
        # what the verdicts come to, each with the command that would change it
        assert answers == answer_lines(zoo)
        assert len([line for line in answers if not line.startswith("  ")]) == 2
        assert [line.splitlines()[1][:26] for line in answers if line.startswith("  would change it: ")] == [
            "    kdprobe sweep --gap --"
        ] * 2
        assert (tmp_path / "runs.csv").read_text().count("\n") == 1 + len(zoo.models())
    html = path.read_text()
    assert html.count('<article class="card"') == 2
    assert str(small_zoo_folder) not in html
    # of two students three claims for each of two regimes
    assert len(lines) == 12


def test_the_room_is_light_to_import():
    heavy = ["torch", "pandas", "seaborn", "matplotlib", "jinja2", "sklearn"]
    code = f"import json, sys, kdprobe.report; print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-cmd", "@sum", "\tx", "\r=x", "=a\r=b", "\n=x"])
def test_no_cell_of_the_runs_is_a_formula(text):
    """What a spreadsheet would run is kept as text; numbers keep their bytes."""
    numbers = [-1.5, 0.1 + 0.2, 1e-300]
    frame = pd.DataFrame({"value": numbers, text: [text, "kd", None], "whole": pd.array([-1, None, 3], dtype="Int64")})
    written = runs_table(frame)
    plain = frame[["value", "whole"]]
    assert runs_table(plain) == plain.to_csv(index=False, lineterminator="\n").encode()
    kept = "'" + text.replace("\r", " ")  # a bare carriage return would begin a row
    head, *rows = csv.reader(io.StringIO(written.decode(), newline=""))
    assert head == ["value", kept, "whole"]
    assert [float(row[0]) for row in rows] == numbers
    assert [row[1] for row in rows] == [kept, "kd", ""]
