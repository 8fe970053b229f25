"""The page in a real browser: what is drawn, what is asked for, what runs."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from kdprobe.core.section import Card, Column, Content, Figure, Finding, Next, Table
from kdprobe.report import report
from kdprobe.report.page import compose
from kdprobe.report.theme.forest import Line, forest
from kdprobe.report.theme.plots import Panel, Series, panels
from kdprobe.testing.worlds.zoo import ZooWorld

pytestmark = pytest.mark.browser
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SCHEMES, WIDTHS = ("light", "dark"), (360, 1280)

PAYLOADS = [
    "<script>pwned=1</script>", "</script><script>pwned=1</script>", "<img src=x onerror=pwned=1>", "<svg onload=pwned=1>", "'><b>",
    '"><b>', '" onmouseover="pwned=1', "' onfocus='pwned=1' autofocus='", "<iframe src=javascript:pwned=1>", "javascript:pwned=1",
    "<!--", "-->", "<![CDATA[", "]]>", "<style>*{display:none}</style>", "</style><script>pwned=1</script>",
    "</title><script>pwned=1</script>", "</svg><script>pwned=1</script>", "<desc>", "</desc></svg>", "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//evil.example/x.css>", "<a href=//evil.example>x</a>",
    "<form action=//evil.example><input>", "<object data=x>", "<embed src=x>", "<math><mtext>", "<template>", "<textarea>", "<xmp>",
    "<plaintext>", "&lt;b&gt;", "&amp;", "&#x3c;script&#x3e;", "&notin;", "{{7*7}}", "{% raw %}", "{# no #}", "${7*7}", "`${pwned=1}`",
    "%3Cscript%3E", "\\u003cscript\\u003e", "$\\frac{1}{2}$", "_hidden", "#010101",
    "ﬁ 𝒳 \u202e right to left", "=1+1", "url(#g0)", "x" * 300,
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        message = "no chromium on the PATH: install it (apt-get install chromium) to test the page in a browser"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def short_page(tmp_path_factory):
    """A page with everything in it once: two tasks, one student, failed runs, flags."""
    failed = (("same_rows", 16, 8, 0),)
    world = ZooWorld(student_widths=(8,), failed=failed)
    return report(world.zoo(), tmp_path_factory.mktemp("short") / "report.html")


class Visit:
    """One page in one setting, with what it asked for and said."""

    def __init__(self, browser: Browser, path, *, scheme="light", width=1280, javascript=True):
        viewport = {"width": width, "height": 800}
        self.context = browser.new_context(color_scheme=scheme, viewport=viewport, java_script_enabled=javascript)
        self.page: Page = self.context.new_page()
        self.requests, self.said, self.dialogs = [], [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.url = path.as_uri()
        self.page.goto(self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def is_quiet(self) -> bool:
        """Whether nothing but the file was asked for, and nothing was said."""
        return (self.requests, self.said, self.dialogs) == ([self.url], [], [])


# in pixels of the figure; a label's leading counts as room, its letters are what must not touch
OUTSIDE = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.top < frame.top - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
    }).map(text => text.textContent);
})"""
OVERLAPPING = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    return boxes.flatMap(([name, a], i) => boxes.slice(i + 1).filter(([, b]) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3).map(([other]) => `${name} / ${other}`));
})"""
# text that ends outside the box it is in, where it cannot be scrolled to
CLIPPED = """() => [...document.querySelectorAll('body *')].filter(element =>
    !element.closest('svg') && !element.closest('.scroll') && element.textContent.trim() &&
    !['SCRIPT', 'STYLE'].includes(element.tagName) && getComputedStyle(element).clipPath === 'none' &&
    (element.scrollWidth > element.clientWidth + 1) && getComputedStyle(element).display !== 'inline'
).map(element => element.outerHTML.slice(0, 120))"""
UNFOLD = "() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
# every table that is wider than its frame: is the frame to be seen, and does the first column stay where the frame begins?
FRAMES = """() => [...document.querySelectorAll('.scroll')].map(frame => {
    frame.scrollLeft = 1e5;
    const box = frame.getBoundingClientRect(), style = getComputedStyle(frame);
    const first = [...frame.querySelectorAll('tr > :first-child')].map(cell => cell.getBoundingClientRect());
    const found = {
        more: frame.scrollWidth > frame.clientWidth + 1, framed: parseFloat(style.borderRightWidth) > 0 && box.right <= innerWidth + 1,
        stays: first.every(cell => Math.abs(cell.left - box.left) < 3), share: Math.max(...first.map(cell => cell.width)) / box.width,
    };
    frame.scrollLeft = 0;
    return found;
})"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_setting(browser, page, scheme, width, javascript):
    with Visit(browser, page.path, scheme=scheme, width=width, javascript=javascript) as visit:
        assert visit.is_quiet()
        visit.page.evaluate(UNFOLD)
        assert visit.page.evaluate(OUTSIDE) == []
        assert visit.page.evaluate(OVERLAPPING) == []
        assert visit.page.evaluate(CLIPPED) == []
        assert visit.page.evaluate(SIDEWAYS) == 0
        assert visit.page.locator("th button").count() > 0 if javascript else visit.page.locator("button").count() == 0
        assert visit.page.locator("article.card").count() == 6
        for text in ("SUPPORTED", "capacity gap", "What would change our mind?", "kdprobe sweep --gap"):
            assert visit.page.get_by_text(text).first.is_visible()
        ground, ink = (visit.page.evaluate(f"() => getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
        assert (sum(rgb(ground)) > sum(rgb(ink))) == (scheme == "light")


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_is_cut_off(browser, page, short_page, tmp_path, width):
    """Whatever is wider than its frame is scrolled there, beside a first column that stays."""
    for path in (page.path, short_page, hostile(tmp_path / "hostile.html")):
        with Visit(browser, path, width=width) as visit:
            for _ in range(2):
                assert visit.page.evaluate(SIDEWAYS) == 0
                assert visit.page.evaluate(CLIPPED) == []
                assert visit.page.evaluate(OUTSIDE) == []
                assert visit.page.evaluate(OVERLAPPING) == []
                visit.page.evaluate(UNFOLD)
            wide = [frame for frame in visit.page.evaluate(FRAMES) if frame["more"]]
            assert wide or width > 360, "a telephone has no room for these tables"
            assert all(frame["framed"] and frame["stays"] and frame["share"] < 0.6 for frame in wide), wide


def hostile(path):
    """Long names, many sizes that lie close to each other, numbers of all widths, a table of many columns."""
    many = np.log2(np.array([8, 9, 10, 12, 16, 24, 32, 48, 64, 96, 1000, 1024.0]))
    line = Series(label="labelled and transfer rows of a name that is long", role="one", mean=many, low=many - 1, high=many + 1)
    other = Series(label="the other regime, which ends beside it", role="two", mean=many + 0.01, low=many, high=many + 1)
    ticks = [f"{2**value:.1f}\ntransformer-{i}" for i, value in enumerate(many)]
    axes = panels(
        [Panel(title="Gain over the twin (target variances)", series=(line, other), zero="no gain")], x=many, ticks=ticks,
        x_label="teacher size / student size, which is said at length", prefix="a", title="t", description="d",
    )  # fmt: skip
    arms = [
        Line(
            label="a control with a long name", role=role, values=((mean, mean - 0.03, mean + 0.03, np.array([mean])), (-mean, -1, 1, many))
        )
        for role, mean in (("one", 0.05), ("two", -0.04), ("muted", -12.345))
    ]
    forests = [forest(arms, columns=("same rows", "transfer rows"), prefix=f"b{i}", title="t", description="d") for i in range(2)]
    names = [f"a column {i}" for i in range(14)]
    columns = (Column(key="name", title="the first"), *(Column(key=name, title=name, shown="interval") for name in names))
    row = {"name": "a very long name of a student in a regime, " * 3, **dict.fromkeys(names, (-0.123, -0.2, 0.1))}
    table = Table(
        caption="A caption that takes more than a line on a telephone, because it says much. " * 2, columns=columns, rows=(row,) * 3
    )
    following = Next(why="more", command="kdprobe sweep --gap --teacher-widths " + ",".join(map(str, range(60))), cost="a day")
    card = Card(
        headline="h" * 60, findings=(), answer="Teach: " + "long words " * 30, next=following, scores=table, figure=Figure(svg=axes)
    )
    content = Content(cards=(card,), figures=tuple(Figure(svg=svg) for svg in forests), tables=(table,))
    path.write_text(compose("Q?", "l" * 200, [("s", "S?", content)]), encoding="utf-8")
    return path


def test_the_next_command_is_copied_as_it_is_typed(browser, page):
    command = "kdprobe sweep --gap --student-widths 8 --task letters --alpha 0.3,0.5,0.7 --temperature 1,2,4 --tune alpha,temperature"
    with Visit(browser, page.path, width=360) as visit:
        code = visit.page.locator(".next code").first
        code.click()  # one click takes all of it
        assert visit.page.evaluate("() => getSelection().toString()").strip() == f"{command} --out letters-mlp-8-tuned"
        # it is on several lines there, and no flag is
        lines = "element => [...element.querySelectorAll('span')].map(flag => flag.getClientRects().length)"
        assert set(code.evaluate(lines)) == {1}
        assert code.bounding_box()["height"] > 40


@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_screen_answers_and_says_what_next(browser, short_page, width):
    """Which teacher, did it help, was it this teacher's knowledge, what next: of a telephone's first student, of a screen's all."""
    with Visit(browser, short_page, width=width) as visit:
        answers = visit.page.locator(".answers > div")
        assert answers.count() == 2
        for answer in answers.all()[: 1 if width == 360 else 2]:
            for place in ("strong", ".own", ".next", ".next code"):
                box = answer.locator(place).bounding_box()
                assert box["y"] + box["height"] <= 800, place


@pytest.mark.parametrize("javascript", [True, False])
def test_a_word_leads_to_its_definition(browser, short_page, javascript):
    with Visit(browser, short_page, width=360, javascript=javascript) as visit:
        word = visit.page.locator(".lede .term", has_text="untaught twin")
        assert word.get_attribute("title").startswith("the student's own network")
        definition = visit.page.locator("#word-twin")
        assert not definition.is_visible()
        word.focus()
        visit.page.keyboard.press("Enter")
        assert definition.is_visible()
        assert definition.locator("dd").inner_text() == word.get_attribute("title")


def test_a_page_unfolds_from_a_few_screens(browser, page):
    height = "() => document.documentElement.scrollHeight"
    with Visit(browser, page.path) as visit:
        folded = visit.page.evaluate(height)
        shown = visit.page.locator(".finding").first
        assert not shown.is_visible()
        # with a keyboard, and without a script
        fold = visit.page.locator("article summary").first
        fold.focus()
        visit.page.keyboard.press("Enter")
        assert shown.is_visible()
        visit.page.evaluate(UNFOLD)
        assert folded < 5_000 < visit.page.evaluate(height), "six students, two regimes each"
    with Visit(browser, page.path, javascript=False) as visit:
        visit.page.locator("article summary").first.click()
        assert visit.page.locator(".finding").first.is_visible()


def test_a_link_into_a_fold_opens_it(browser, page):
    with Visit(browser, page.path) as visit:
        table = visit.page.locator("#cells table").first
        assert not table.is_visible()
        visit.page.goto(visit.url + "#cells")
        assert table.is_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_paper_has_no_folds(browser, short_page, javascript):
    with Visit(browser, short_page, javascript=javascript) as visit:
        hidden = "() => [...document.querySelectorAll('.finding, main table')].filter(one => !one.getBoundingClientRect().height).length"
        count = "() => [...document.querySelectorAll('details')].filter(fold => !fold.open).length"
        assert visit.page.evaluate(count) > 5
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate(hidden) == 0
        assert visit.page.locator("#cells table").first.is_visible()


def rgb(colour: str) -> list[int]:
    return [int(channel) for channel in re.findall(r"\d+", colour)[:3]]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_accessibility_violation(browser, short_page, scheme, width):
    with Visit(browser, short_page, scheme=scheme, width=width) as visit:
        visit.page.evaluate(UNFOLD)
        found = Axe().run(visit.page).response["violations"]
        assert [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["index.html", "taxonomy.html", "published_claims.html", "break_conditions.html"])
def test_pages_made_of_pages(browser, name, scheme, width):
    with Visit(browser, Path(__file__).parent.parent.parent / "reports" / name, scheme=scheme, width=width) as visit:
        assert visit.is_quiet()
        assert visit.page.evaluate(SIDEWAYS) == 0
        assert visit.page.evaluate(CLIPPED) == []
        assert visit.page.evaluate(OUTSIDE) == []
        assert visit.page.evaluate(OVERLAPPING) == []
        found = Axe().run(visit.page).response["violations"]
        assert [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found] == []
        visit.page.emulate_media(media="print", color_scheme=scheme)
        assert rgb(visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")) == [255, 255, 255]


def test_figures_follow_the_theme(browser, short_page):
    strokes = []
    for scheme in SCHEMES:
        with Visit(browser, short_page, scheme=scheme) as visit:
            strokes.append(visit.page.evaluate("() => getComputedStyle(document.querySelector('figure [stroke=\"var(--one)\"]')).stroke"))
            label = visit.page.evaluate("() => getComputedStyle(document.querySelector('figure text[fill=\"var(--two)\"]')).fill")
            tick = visit.page.evaluate("() => getComputedStyle(document.querySelector('figure text:not([fill])')).fill")
            assert label != tick
    assert strokes[0] != strokes[1]


def test_paper_is_white(browser, short_page):
    with Visit(browser, short_page, scheme="dark") as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        assert rgb(visit.page.evaluate("() => getComputedStyle(document.body).backgroundColor")) == [255, 255, 255]
        assert visit.page.evaluate("() => getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"


def test_tables_fit_on_paper(browser, page):
    # A4 less 12 mm on each side, in CSS pixels; tables of many columns are set on landscape pages
    widths = "selector => [...document.querySelectorAll(selector)].map(table => table.scrollWidth)"
    with Visit(browser, page.path) as visit:
        visit.page.emulate_media(media="print")
        for selector, width, least in ((".scroll:not(.wide) table", 703, 5), (".wide table", 1031, 1)):
            visit.page.set_viewport_size({"width": width, "height": 1000})
            found = visit.page.evaluate(widths, selector)
            assert len(found) >= least
            assert max(found) <= width


def test_tables_are_sorted_by_keyboard(browser, short_page):
    with Visit(browser, short_page) as visit:
        visit.page.evaluate(UNFOLD)
        table = visit.page.locator("#cells table").first
        heading = table.locator("th", has_text=re.compile("^Gain")).first
        index = heading.evaluate("cell => cell.cellIndex")

        def column() -> list[float]:
            texts = table.locator(f"tbody tr > :nth-child({index + 1})").all_inner_texts()
            return [float(text.split()[0].replace("−", "-")) for text in texts]

        before = column()
        heading.locator("button").focus()
        visit.page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == "ascending"
        assert column() == sorted(before) != before
        visit.page.keyboard.press("Space")
        assert heading.get_attribute("aria-sort") == "descending"
        assert column() == sorted(before, reverse=True)
        name = table.locator("th button").first
        name.focus()
        visit.page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") is None
        # the keyboard reaches every sortable heading and every region that scrolls
        assert visit.page.locator("th button:not([tabindex='-1'])").count() == visit.page.locator("th button").count()
        assert visit.page.locator(".scroll[tabindex='0']").count() == visit.page.locator(".scroll").count()


def test_empty_cells_and_words_sort_after_numbers(browser, tmp_path):
    columns = (Column(key="name", title="name"), Column(key="value", title="value", shown="interval"))
    cells = {"a": (0.5, 0.4, 0.6), "b": None, "c": (-2.0, -3.0, -1.0), "d": "refused: constant", "e": (10.0, 9.0, 11.0)}
    table = Table(caption="t", columns=columns, rows=tuple({"name": name, "value": value} for name, value in cells.items()))
    path = tmp_path / "page.html"
    path.write_text(compose("Q?", "", [("s", "S?", Content(tables=(table,)))]), encoding="utf-8")
    with Visit(browser, path) as visit:
        button = visit.page.get_by_role("button", name="value")

        def order() -> str:
            return "".join(visit.page.locator("tbody th").all_inner_texts())

        button.click()
        assert order() == "caedb"
        button.click()
        assert order() == "deacb"


def test_names_from_elsewhere_are_only_text(browser, tmp_path):
    """Each payload in every field of a section that is free text, all on one page."""
    drawn = [(f"s{i}", payload, payload_content(payload, i)) for i, payload in enumerate(PAYLOADS)]
    path = tmp_path / "page.html"
    path.write_text(compose(PAYLOADS[0], PAYLOADS[1], drawn, runs="a b'\"<>.csv"), encoding="utf-8")
    assert len(PAYLOADS) == 50
    with Visit(browser, path) as visit:
        assert visit.is_quiet()
        assert visit.page.evaluate("() => typeof pwned") == "undefined"
        assert visit.page.evaluate("() => [document.scripts.length, document.styleSheets.length]") == [1, 1]
        foreign = "img, iframe, object, embed, link, base, form, input, template, textarea, math, b, xmp, plaintext, [onload], [onerror]"
        assert visit.page.locator(foreign).count() == 0
        places = ["h2", ".words p", "figcaption", "svg title", "svg desc", "caption", "thead th", "tbody th", "tbody td", "dd", "svg text"]
        sections = visit.page.evaluate(
            """places => [...document.querySelectorAll('main > section')].slice(1).map(section =>
            places.map(place => [...section.querySelectorAll(place)].map(element => element.textContent)))""",
            places,
        )
        for payload, found in zip(PAYLOADS, sections, strict=True):
            for place, texts in zip(places, found, strict=True):
                if place == "svg text":  # figures cut long names
                    texts = [payload for text in texts if payload.startswith(text.rstrip("…"))]
                assert payload in texts, (place, payload)
        cards = visit.page.locator("article.card").evaluate_all("cards => cards.map(card => card.textContent)")
        assert [card.count(payload) for payload, card in zip(PAYLOADS, cards, strict=True)] == [6] * 50


def payload_content(text: str, i: int) -> Content:
    finding = Finding(claim=text, scope=text, verdict="SUPPORTED", qualifier=text, number=text, sentences=(text,), change_our_mind=text)
    x = np.arange(2.0)
    line = Series(label=text, role="one", mean=x, low=x, high=x)
    svg = panels(
        [Panel(title=text, series=(line,), zero=text)], x=x, ticks=[text, ""], x_label=text, prefix=f"f{i}", title=text, description=text
    )
    columns = (Column(key="name", title=text, explains=text), Column(key="flag", title=text, shown="flag"))
    return Content(
        cards=(Card(headline=f"{i} {text}", findings=(finding,)),),
        words=(text,),
        figures=(Figure(svg=svg, caption=text),),
        tables=(Table(caption=text, columns=columns, rows=({"name": text, "flag": text},)),),
    )


def test_a_zoo_full_of_foreign_names(browser, tmp_path):
    """The whole way from the frames: every free-text field of a zoo carries markup."""
    text = "</script><script>pwned=1</script><img src=x onerror=pwned=1>'\"{{7*7}}$x^1$&lt;"
    failed = (("same_rows", 16, 8, 0),)
    world = ZooWorld(tasks=(("letters", "classification"),), student_widths=(8,), seeds=3, failed=failed, text=text)
    path = report(world.zoo(), tmp_path / "report.html")
    with Visit(browser, path) as visit:
        assert visit.is_quiet()
        assert visit.page.evaluate("() => typeof pwned") == "undefined"
        assert visit.page.evaluate("() => [document.scripts.length, document.images.length]") == [1, 0]
        visit.page.evaluate(UNFOLD)
        # task, family and scheme in the cards; command, plan, hardware and deviations in the provenance; reasons of failed runs
        for place, least in (("article.card", 3), ("#provenance", 4), ("#failed", 2), ("#cells", 2)):
            assert visit.page.locator(place).first.inner_text().count(text) >= least, place
