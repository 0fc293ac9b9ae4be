"""Every page in a real browser: both themes, a telephone's width, both languages, no finding of axe, nothing from afar.

Screenshots lie in ``screenshots/`` of the working folder where ``TENOR_SCREENSHOTS`` names one.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PLACES = (
    "/",
    "/market?code=KO",
    "/market?run=PAIRS&code=T",
    "/forecast?codes=T-spread,KO",
    "/what-if",
    "/study",
    "/backtest?run=PAIRS",
    "/backtest?run=STOCKS&way=1",
    "/runs",
    "/runs/PAIRS",
    "/runs/STOCKS",
    "/compare?runs=PAIRS,STOCKS",
    "/sign-in",
    "/shared/LINK",
)
SHIFTS = """
window.shifted = 0;
const add = (list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifted += e.value; };
new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
"""
"""Adds up how far what is drawn moves afterwards."""

LOOKS = (("light", 1280, "en"), ("dark", 390, "zh"))


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: "-".join(map(str, look)))
def reader(request: pytest.FixtureRequest, browser: Any, pages: Any) -> Iterator[Any]:
    """A reader with a theme, a width and a language; what the browser complained of and asked others for."""
    theme, width, language = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    context.add_cookies(
        [
            {"name": "tenor_theme", "value": theme, "url": pages.url},
            {"name": "tenor_language", "value": language, "url": pages.url},
        ]
    )
    page = context.new_page()
    page.said, page.asked, page.look = [], [], request.param
    page.add_init_script(SHIFTS)
    page.on("console", lambda message: page.said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda asked: page.asked.append(asked.url))
    yield page
    context.close()


def opened(page: Any, pages: Any, workplace: Any, place: str) -> None:
    _, pairs, stocks = workplace
    page.said.clear()
    page.asked.clear()
    if place.endswith("LINK"):
        made = pages.client.post(f"/api/v1/runs/{stocks}/shares", json={"days": 30}).json()
        place = made["place"]
    page.goto(pages.url + place.replace("PAIRS", pairs).replace("STOCKS", stocks), wait_until="networkidle")
    if place.startswith("/market?run"):
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 6", timeout=30_000)
    if place.startswith("/study"):
        page.wait_for_selector(".state :is(p, .banner)", timeout=30_000)
    if place.startswith(("/forecast", "/what-if", "/market", "/backtest", "/compare?")):
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=30_000)
    if place.startswith("/what-if"):
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 4", timeout=30_000)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_a_page_is_whole_accessible_and_fits(reader: Any, pages: Any, workplace: Any, place: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    opened(reader, pages, workplace, place)
    theme, width, language = reader.look
    assert reader.said == []
    assert not [url for url in reader.asked if not url.startswith((pages.url, "data:", "blob:"))]
    assert reader.locator("#main h1").count() == 1
    assert reader.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
    assert reader.evaluate("document.documentElement.scrollWidth") <= width + 1
    assert ("body--dark" in (reader.evaluate("document.body.className"))) == (theme == "dark")
    assert reader.evaluate("window.shifted") < 0.1  # what browsers' makers call good
    found = Axe().run(reader, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        (each["id"], [node["html"][:120] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    if folder := os.environ.get("TENOR_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^A-Za-z-]+", "-", place.strip("/")) or "home"
        reader.screenshot(path=f"{folder}/{name}-{theme}-{width}-{language}.png", full_page=True)


@pytest.fixture
def page(browser: Any, pages: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    held = context.new_page()
    held.said, held.asked = [], []
    yield held
    context.close()


def test_a_slider_carries_a_shock_to_the_figure(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/what-if")
    verdict = page.locator(".board")
    still = verdict.inner_text()
    page.locator("#shock-parallel").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_text("+3 bp", exact=True).wait_for(timeout=10_000)
    page.wait_for_function(f"document.querySelector('.board').innerText !== {still!r}", timeout=10_000)
    assert page.locator("#shock-parallel").input_value() == "3"
    page.get_by_role("button", name="repo +100 bp").click()
    page.get_by_text("+100 bp", exact=True).wait_for(timeout=10_000)
    page.wait_for_timeout(500)  # what is drawn later sets no slider back
    assert [page.locator(f"#shock-{kind}").input_value() for kind in ("parallel", "repo")] == ["0", "100"]
    page.get_by_role("button", name="No shock").click()
    page.wait_for_function(f"document.querySelector('.board').innerText === {still!r}", timeout=10_000)


def test_a_week_of_the_past_and_a_point_of_the_curve_are_carried_too(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/what-if")
    page.get_by_text("Single points of the curve").click()
    page.locator("#shock-point-1").focus()
    page.keyboard.press("ArrowLeft")
    weeks = page.get_by_label("Do a week of the past again")
    weeks.select_option(index=1)
    word = weeks.input_value().partition("=")[2]
    first, _, last = word.partition("..")
    told = f"document.getElementById('main').textContent.replaceAll(/\\s/g, '').includes('replayof{first}to')"
    page.wait_for_function(told, timeout=15_000)  # in the figure, where lines are broken
    assert "past changes over" in page.locator(".board").inner_text()
    assert last in weeks.locator("option:checked").inner_text()


def test_a_study_is_edited_as_it_is_checked_kept_and_run(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/study?study=quick")
    state, seeds = page.locator(".state"), page.locator("[data-path=seeds]")
    assert state.inner_text() == "Ready to run as it is."
    seeds.fill("none")
    page.wait_for_function("document.querySelector('[data-path=seeds]').getAttribute('aria-invalid') === 'true'")
    assert "valid integer" in page.locator("[data-problem=seeds]").inner_text()
    assert "put right before it can be run" in state.inner_text()
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator(".q-notification", has_text="seeds").wait_for()  # refused, and nothing is written
    assert [path.name for path in (workplace[0] / "studies").glob("quick-*")] == []
    seeds.fill("2")
    page.wait_for_function("document.querySelector('.state').innerText.includes('give this one another name')")
    page.locator("[data-path=name]").fill("quick-again")
    page.wait_for_function("document.querySelector('.state').innerText.startsWith('Ready to run')")
    page.locator("summary", has_text="models").first.click()
    page.locator("select[data-do=add][data-path=models]").select_option("momentum")
    page.wait_for_selector("legend:has-text('momentum')")
    page.reload(wait_until="networkidle")
    page.wait_for_function("document.querySelector('.state').innerText.startsWith('Ready to run: it is kept')")
    assert seeds.input_value() == "2"  # what was typed is there again
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/study?study=quick-again")
    text = (workplace[0] / "studies" / "quick-again.toml").read_text(encoding="utf-8")
    assert text.startswith("# Written by `tenor serve`")
    assert 'kind = "momentum"' in text
    link = page.locator("#main table a", has_text="quick-again-").first
    link.wait_for(timeout=60_000)


def written(pages: Any, name: str) -> dict[str, Any]:
    """A study of that name that was written here, as the API has it."""
    table = pages.client.get("/api/v1/studies/quick").json()["table"]
    assert pages.client.post("/api/v1/studies", json={"table": {**table, "name": name}}).status_code == 201
    held: dict[str, Any] = pages.client.get(f"/api/v1/studies/{name}").json()
    return held


def test_undo_takes_back_what_is_on_the_screen(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/study?study=quick")
    seeds = page.locator("[data-path=seeds]")
    for _ in range(2):
        seeds.fill("9")
        page.wait_for_function("document.querySelector('.state').innerText.includes('give this one another name')")
        page.get_by_role("button", name="Undo all changes").click()
        page.wait_for_function("document.querySelector('[data-path=seeds]').value === '1'", timeout=10_000)
        page.wait_for_function("document.querySelector('.state').innerText === 'Ready to run as it is.'")


def test_a_second_tab_does_not_write_over_the_first(browser: Any, pages: Any, workplace: Any) -> None:
    held, file = written(pages, "two-tabs"), workplace[0] / "studies" / "two-tabs.toml"
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        tab.said, tab.asked = [], []
        opened(tab, pages, workplace, "/study?study=two-tabs")
        tab.locator("[data-path=seeds]").fill("2" if tab is first else "3")
        tab.wait_for_function("document.querySelector('.state').innerText.startsWith('Ready to run: it is kept')")
    changed = {"table": {**held["table"], "seeds": 2}, "replaces": held["digest"]}
    assert pages.client.post("/api/v1/studies", json=changed).status_code == 201
    text = file.read_text(encoding="utf-8")
    for tab in (first, second):
        tab.get_by_role("button", name="Run", exact=True).click()
        tab.locator(".q-notification", has_text="somebody changed study 'two-tabs'").wait_for()
    second.reload(wait_until="networkidle")  # the draft is there again, and so is the file that it began from
    second.wait_for_function("document.querySelector('.state').innerText.includes('somebody changed study')")
    assert second.locator("[data-path=seeds]").input_value() == "3"
    assert file.read_text(encoding="utf-8") == text
    second.get_by_role("button", name="Undo all changes").click()
    second.wait_for_function("document.querySelector('[data-path=seeds]').value === '2'", timeout=10_000)
    second.wait_for_function("document.querySelector('.state').innerText === 'Ready to run as it is.'")
    context.close()


def test_what_is_on_the_screen_is_run_and_once(page: Any, tmp_path: Path, workplace: Any, start: Any) -> None:
    (tmp_path / "studies").mkdir()
    quick = (workplace[0] / "studies" / "quick.toml").read_text(encoding="utf-8")
    with start(tmp_path) as server:
        (tmp_path / "studies" / "quick.toml").write_text(quick, encoding="utf-8")
        opened(page, server, (None, "", ""), "/study?study=quick")
        # what stands before it in the queue keeps it open
        server.client.post("/api/v1/run", json={"study": "cgb-spread"})
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".q-notification", has_text="Queued").wait_for()
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".q-notification", has_text="Already running").wait_for()
        (tmp_path / "studies" / "quick.toml").write_text(quick.replace("seeds = 1", "seeds = 2"), encoding="utf-8")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".q-notification", has_text="load the page again").wait_for()
        for job in server.client.get("/api/v1/jobs").json()["jobs"]:
            server.client.delete(f"/api/v1/jobs/{job['id']}")


def test_pages_speak_chinese_down_to_their_figures(browser: Any, pages: Any, workplace: Any) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.said, page.asked = [], []
    opened(page, pages, workplace, "/forecast?codes=T-spread,KO")
    text = page.locator("#main").text_content()
    assert all(words in text for words in ("按规则持有", "平均变动幅度", "上涨概率，%", "下一收盘 = 本收盘"))
    opened(page, pages, workplace, "/what-if")
    assert "持仓损益" in page.locator(".board").inner_text()
    context.close()


def test_a_file_is_uploaded_from_the_page(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/study")
    page.locator("#upload-files").set_input_files(
        [{"name": "prices.csv", "mimeType": "text/csv", "buffer": b"date,close\n2020-01-02,1\n"}]
    )
    page.get_by_role("button", name="Upload").click()
    page.wait_for_selector("#main table >> text=prices.csv")
    assert (workplace[0] / "uploads" / "mine" / "prices.csv").read_bytes().startswith(b"date,close")
    page.locator("#upload-files").set_input_files([{"name": "x.exe", "mimeType": "text/plain", "buffer": b"MZ"}])
    page.get_by_role("button", name="Upload").click()
    page.wait_for_function("document.getElementById('upload-state').textContent.includes('cannot be uploaded')")
    state, folder = page.locator("#upload-state"), page.locator("#upload-folder")
    for name in ("../evil", "", "a b", "-x", "x" * 81, "mine/more"):
        folder.fill(name)
        page.get_by_role("button", name="Upload").click()
        assert state.inner_text().startswith("A folder is called by letters, digits"), name
        folder.fill("mine")
        page.locator("#upload-files").set_input_files([])
        page.get_by_role("button", name="Upload").click()
        assert state.inner_text() == "No file is chosen: choose one or more first."


def test_runs_are_chosen_and_compared(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/runs")
    for name in workplace[1:]:
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=30_000)
    text = page.locator("#main").inner_text()
    assert all(name in text for name in workplace[1:])
    assert "is of other instruments than" in text


def test_a_calendar_spread_is_watched_beside_a_stock(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/")
    page.get_by_role("button", name="Watch T-spread").click()
    row = page.locator("#main table tr", has_text="T-spread")
    row.first.wait_for(timeout=30_000)
    assert "points" in row.first.inner_text()
    page.get_by_role("button", name="No longer watch T-spread").click()
    page.wait_for_selector("text=Nothing is watched yet")


def test_a_study_is_run_from_its_page_to_its_report(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/study?study=quick")
    assert page.locator("[data-path=question]").input_value() == "Is it quick?"
    page.get_by_role("button", name="Run", exact=True).click()
    link = page.locator("#main table a", has_text=re.compile("^quick-[0-9a-f]{10}$")).first
    link.wait_for(timeout=60_000)
    link.click()
    page.wait_for_url("**/runs/quick-*")
    assert page.frame_locator("iframe.report").locator("h1").inner_text(timeout=20_000) == "quick"


def test_what_is_watched_stays_watched(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/")
    page.get_by_role("button", name="Watch KO").click()
    page.wait_for_selector("#main table >> text=KO")
    page.reload(wait_until="networkidle")
    row = page.locator("#main table tr", has_text="KO").first.inner_text()
    assert "%" in row
    page.get_by_role("button", name="No longer watch KO").click()
    page.wait_for_selector("text=Nothing is watched yet")


def test_theme_and_language_are_chosen_and_kept(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/runs")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("document.body.classList.contains('body--dark')")
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("h1:has-text('已保存的运行')")
    page.goto(pages.url + "/")
    assert page.locator("h1").inner_text() == "可预测的标的"


def test_keyboard_reaches_the_content_first(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/runs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize(
    "place",
    [
        "/backtest?run=none",
        "/what-if?run=none",
        "/market?run=none",
        "/market?code=ZZZ",
        "/compare?runs=none",
        "/forecast?codes=ZZZ",
    ],
)
def test_an_address_of_what_is_not_there_shows_nothing_else(page: Any, pages: Any, workplace: Any, place: str) -> None:
    page.goto(pages.url + place, wait_until="networkidle")
    text = page.locator("#main").inner_text()
    assert "none" in text or "ZZZ" in text
    assert page.locator(".js-plotly-plot, table").count() == 0


def test_an_address_that_is_no_page_leads_back(page: Any, pages: Any) -> None:
    answer = page.goto(pages.url + "/nowhere/at/all")
    assert answer.status == 404
    page.get_by_role("link", name="Home").click()
    page.wait_for_selector("h1:has-text('What can be forecast')")


def test_a_backtest_says_who_could_have_had_its_fill_and_at_what_costs(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/backtest?run=PAIRS")
    text = page.locator("#main").inner_text()
    assert "only somebody who knows the close before it is over" in text
    assert "Costs of this study: slippage ticks" in text


def test_a_backtest_opens_on_a_fill_that_somebody_could_have_had() -> None:
    from tenor.app.web.backtest import _had
    from tenor.report.ledger_figures import Way

    ways = tuple(Way(rule, fill) for rule in ("sign", "probability") for fill in ("same_close", "next_open"))
    assert _had(ways) == 1
    assert _had(ways[:1]) == 0


def test_no_shock_clears_a_week_too(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/what-if")
    still = page.locator(".board").inner_text()
    page.get_by_label("Do a week of the past again").select_option(index=1)
    page.wait_for_function(f"document.querySelector('.board').innerText !== {still!r}", timeout=15_000)
    page.get_by_role("button", name="No shock").click()
    page.wait_for_function(f"document.querySelector('.board').innerText === {still!r}", timeout=15_000)
    assert page.get_by_label("Do a week of the past again").input_value() == ""


def test_a_forecast_names_its_run_and_an_approved_one_speaks_first(
    page: Any, tmp_path: Path, start: Any, workplace: Any
) -> None:
    root, pairs, _ = workplace
    shutil.copytree(root / "runs" / pairs, tmp_path / "runs" / pairs)
    other = tmp_path / "runs" / f"{pairs[:-1]}{'0' if pairs[-1] != '0' else '1'}"
    shutil.copytree(root / "runs" / pairs, other)
    facts = json.loads((other / "run.json").read_text(encoding="utf-8"))
    (other / "run.json").write_text(json.dumps({**facts, "finished": "2027-01-01T00:00:00Z"}), encoding="utf-8")
    with start(tmp_path) as server:
        page.goto(server.url + "/forecast?codes=T-spread", wait_until="networkidle")
        run = page.locator(".card a[href^='/runs/']")
        run.wait_for(timeout=60_000)
        assert run.inner_text() == other.name  # the newest, while nobody decided
        approved = server.client.post(
            f"/api/v1/runs/{pairs}/approvals", json={"verdict": "approved", "comment": "seen"}
        )
        assert approved.status_code == 201
        page.reload(wait_until="networkidle")
        run.wait_for(timeout=60_000)
        assert run.inner_text() == pairs
        assert "(approved)" in page.locator(".card").inner_text()
        page.get_by_label("T-spread, by run").select_option(other.name)
        page.wait_for_function(f"document.querySelector('.card')?.innerText.includes({other.name!r})", timeout=60_000)


def test_a_run_that_is_not_there_says_so(page: Any, pages: Any, workplace: Any) -> None:
    opened(page, pages, workplace, "/runs/none-0000000000")
    assert "no run 'none-0000000000'" in page.locator("#main").inner_text()
    assert page.get_by_role("link", name="Back to the runs").count() == 1


def test_an_empty_folder_says_what_to_do(page: Any, tmp_path: Path, start: Any) -> None:
    with start(tmp_path) as server:
        for place in ("/", "/forecast", "/what-if", "/runs"):
            page.goto(server.url + place, wait_until="networkidle")
            assert page.locator(".empty a[href='/study']").count() == 1, place
