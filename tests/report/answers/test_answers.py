"""The survey's questions are answered by what the built pages say, and by nothing else."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.core.errors import DataError
from kdprobe.report.answers.index import Folder, answers, index, linked
from kdprobe.report.answers.questions import QUESTIONS
from kdprobe.report.answers.reading import read
from kdprobe.report.answers.taxonomy import EMPTY, cells, middle, taxonomy

REPORTS = Path(__file__).parent.parent.parent.parent / "reports"


@pytest.fixture(scope="module")
def found():
    return answers(REPORTS)


def test_the_built_index_says_what_the_pages_say(found):
    """It is made again where a page changes: kdprobe answers --again."""
    built = read(REPORTS / "index.html")
    for one in found:
        for said in one.says:
            assert said.text in built.says, f"{one.question.name}: kdprobe answers --again"
        assert one.number in built.row("short", one.question.asks)["first interval"]


def test_every_number_of_an_answer_stands_on_the_page_it_links_to(found):
    for one in found:
        assert len(one.says) == 3
        for said in one.says:
            whole = read(REPORTS / said.page).says
            for number in re.findall(r"[-+−]?\d*\.\d+|\d+ %", said.text):
                assert number in whole, f"{one.question.name}: {number} is not on {said.page}"


def test_every_answer_has_an_interval_a_picture_a_page_and_a_command(found):
    pages = Folder(REPORTS)
    for one in found:
        assert re.search(r"[\[(].*\d.*[\])]|interval", one.number), one.question.name
        page, part, place = one.question.picture
        assert pages[page].parts[part].pictures[place].svg.startswith("<svg")
        assert all((REPORTS / page).exists() for page in one.pages)
        assert one.question.again


def test_no_two_pages_give_one_claim_two_verdicts():
    verdicts = {}
    for path in sorted(REPORTS.glob("*.html")):
        page = read(path)
        for row in (row for part in page.parts.values() for table in part.tables for row in table):
            name, outcome = next(iter(row.values()), ""), row.get("outcome")
            if outcome and re.fullmatch(r"C\d+", name):
                verdicts.setdefault(name, {})[path.name] = outcome
    assert len(verdicts) >= 15
    assert {name: told for name, told in verdicts.items() if len(set(told.values())) > 1} == {}


def test_pages_that_differ_say_their_setting():
    rows = read(REPORTS / "index.html").parts["differ"].tables[0]
    assert len(rows) >= 4
    assert len({row["its setting"] for row in rows}) == len(rows)
    for row in rows:
        whole = read(REPORTS / row["page"]).says
        for number in re.findall(r"\d+\.\d+", row["it says"]):
            assert number in whole


def test_links_and_ids_of_the_built_index():
    text = (REPORTS / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    leads = set(re.findall(r'<a href="([^"#]+)"', text))
    assert leads == set(linked(REPORTS))
    assert all((REPORTS / name).exists() for name in leads)
    assert len(text) < 300_000
    for named in re.findall(r'aria-labelledby="([^"]+)"', text):
        assert set(named.split()) <= set(ids)


def test_a_page_that_no_longer_says_it_is_an_error_with_its_name(tmp_path):
    shutil.copytree(REPORTS, tmp_path / "reports", ignore=shutil.ignore_patterns("*.csv", "*.png"))
    page = tmp_path / "reports" / "optimal_ratio.html"
    page.write_text(page.read_text(encoding="utf-8").replace("Carry no ratio", "Bear no ratio"), encoding="utf-8")
    with pytest.raises(DataError, match=r"optimal_ratio\.html has 0 sentences .* mend the question"):
        index(tmp_path / "reports")
    page.unlink()
    with pytest.raises(DataError, match=r"optimal_ratio\.html cannot be read .* build it first"):
        index(tmp_path / "reports")


def test_a_verdict_that_changes_changes_the_answer(tmp_path):
    shutil.copytree(REPORTS, tmp_path / "reports", ignore=shutil.ignore_patterns("*.csv", "*.png"))
    page = tmp_path / "reports" / "optimal_ratio.html"
    rows = re.compile(r"(>C3<.*?)CONTRADICTED", re.S)
    whole = page.read_text(encoding="utf-8")
    page.write_text(rows.sub(r"\1SUPPORTED", whole, count=1), encoding="utf-8")
    ratio = QUESTIONS[0].says(Folder(tmp_path / "reports"))
    assert ratio[0].text == "One ratio of sizes was best in every setting."
    page.write_text(rows.sub(r"\1NOT APPLICABLE", whole, count=1), encoding="utf-8")
    with pytest.raises(DataError, match="C3 is NOT APPLICABLE, for which its question has no words"):
        QUESTIONS[0].says(Folder(tmp_path / "reports"))


def runs(task, scheme, distiller, gains, **more):
    column = {"letters": "gain_calibrated.panel", "bikeshare": "gain.panel"}[task]
    arm = {"task": task, "scheme": scheme, "distiller": distiller, "alpha": 0.5, "role": "student", "status": "done"} | more
    return pd.DataFrame([arm | {"seed": seed, column: gain} for seed, gain in enumerate(gains)])


def test_cells_of_the_taxonomy(tmp_path):
    wide, near = np.linspace(-1, 1, 8), 0.01 * np.linspace(-1, 1, 8)
    table = pd.concat(
        [
            runs("letters", "same_rows", "kd", 0.5 + near),
            runs("letters", "same_rows", "kd", wide, alpha=0.7),
            runs("letters", "same_rows", "kd", -0.5 + near, alpha=0.9),
            runs("bikeshare", "transfer_rows", "hint", 0.25 + near),
            runs("letters", "true_labels", "none", 9 + near),  # a control is no cell
            runs("letters", "same_rows", "pkt", [1.0]),  # nor is one seed
            runs("letters", "same_rows", "pkt", 1 + near, status="failed"),
            runs("letters", "unheard_of", "kd", 1 + near),
        ]
    )
    table.to_csv(tmp_path / "made.runs.csv", index=False)
    arms = cells(tmp_path)
    assert len(arms) == 4
    own = arms[arms["knowledge"] == "response"]
    assert middle(own)[0] == pytest.approx(0.0)
    assert middle(own)[3] == "1 of 3 arms better, 1 worse"
    page = taxonomy(tmp_path)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    grid = read(tmp_path / "page.html").parts["taxonomy"].tables[0]
    held = {(row["objective · knowledge"], area) for row in grid for area, told in list(row.items())[1:] if told != EMPTY}
    assert held == {("compression · response", "classification"), ("compression · intermediate", "regression")}
    assert len(grid) == 16
    assert "of 80 cells 2 hold a result" in read(tmp_path / "page.html").says
    with pytest.raises(DataError, match="holds no tables of runs"):
        cells(tmp_path / "nothing")


def test_the_built_taxonomy_is_that_of_the_built_tables():
    """kdprobe answers --again makes it."""
    arms = cells(REPORTS)
    assert f"from {len(arms):,} arms of {arms['page'].nunique()} built pages" in read(REPORTS / "taxonomy.html").says
