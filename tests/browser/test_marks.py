"""A class's report and a student's page in Chromium: nothing clipped or faint, a text for the picture."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from kd_solutions.support import language
from kd_study.classroom.folder import MarksFolder
from kd_study.classroom.marks import mark_class
from tests.classroom.made import FOUL, report, submission

CLIPPED = """
    () => [...document.querySelectorAll("body, body *")]
        .filter(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth && !part.closest("svg"))
        .map(part => part.tagName + ": " + part.textContent.slice(0, 40))
"""
FAINT = """
    () => {
        const luminance = colour => {
            const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const behind = part => {
            for (; part; part = part.parentElement) {
                const colour = getComputedStyle(part).backgroundColor
                if (!/, 0\\)$|transparent/.test(colour)) return colour
            }
            return "rgb(255, 255, 255)"
        }
        const ownText = part => [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim())
        return [...document.querySelectorAll("body *:not(title, desc)")].filter(ownText).map(part => {
            const style = getComputedStyle(part)
            const ink = part.closest("svg") ? style.fill : style.color
            const [a, b] = [ink, behind(part)].map(luminance)
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
            return [contrast, part.tagName, part.textContent.slice(0, 40)]
        }).filter(([contrast]) => contrast < 4.5)
    }
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The marks of a class in which everything happens that can."""
    folder = tmp_path_factory.mktemp("class")
    answers = [
        report("soft_targets", "passed", remark="a loop over rows"),
        report(
            "kd_loss", mistake="swaps_the_weights", message="expected [[0.1, 0.2]]" * 9, printed="x" * 300
        ),
        report("distillation_kl", "passed", calls_reference=True),
        report("csls", "todo"),
    ]
    broken = [("line 3 is not valid Python: " + "x" * 200, ["procrustes"])]
    files = [
        submission("ann/1.ipynb", *answers, problems=broken, remarks=["cells are joined"]),
        submission("李雷/1.ipynb", *answers, problems=broken, language="zh"),
        submission(f"{FOUL.replace('/', '')}.py", report("kd_loss", message=FOUL, printed=FOUL)),
    ]
    out = MarksFolder(folder / "marks", folder / "class")
    with language.speaking("en"):
        out.write(mark_class(files))
    return out.path


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.mark.parametrize("width", [1400, 1024])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report.html", "report.zh.html", "feedback/ann.html", "feedback/李雷.html"])
def test_a_page_can_be_read(pages, browser, name, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((pages / name).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.fonts.check('16px sans-serif', '误区')")
    for picture in page.query_selector_all("svg"):
        assert picture.get_attribute("role") == "img" and picture.query_selector("desc").inner_html()
    assert len(asked) == 1  # the page itself
    page.close()


def test_from_the_report_one_comes_to_a_students_page_and_to_the_other_language(pages, browser):
    page = browser.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto((pages / "report.html").as_uri())
    page.click("text=中文 >> nth=0")
    assert page.inner_text("h1") == "全班情况"
    page.click("a:has-text('李雷')")
    assert page.inner_text("h1") == "李雷的作业反馈"
    page.click("a:has-text('kd_loss')")
    assert page.url.endswith("#kd_loss")
    for path in (pages / "feedback").iterdir():
        page.goto(path.as_uri())
    page.close()
