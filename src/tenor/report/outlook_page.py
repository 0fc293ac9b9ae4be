"""The page of an outlook: one HTML file for a trader with five seconds and for a reader with ten minutes.

Alarms first (SIMULATED, STALE), then a table of the tickers where there are several, then a card per ticker: the
probability of up, the range of the next session, and the record that says how far to believe either. Below, per ticker,
the candles with the fan of prices ahead, every model, and every horizon beside how it fared before. Equal answers give
equal bytes.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tenor.report import outlook_text as words
from tenor.report.outlook_figures import SHOWN, fan, probabilities
from tenor.report.shell import Drawn, Section, drawn, shell, unbroken
from tenor.report.tables import Cell, Column, facts, plain_list, table
from tenor.report.text import DASH, SIMULATED, number, percent, said

METHOD = (
    "P(up) is the probability that the adjusted price is higher after the first horizon: the mean over the seeds of"
    " the model that is quoted, with the least and the greatest of them in brackets. The brackets show how much is"
    " chance of training; they are no interval of the probability.",
    "The models are those of the run's last fold, frozen: they learnt from its train range alone, and the sessions"
    " after it stopped them and tested them. The record is of the mean over seeds, as it is quoted, on every session on"
    " which the run is judged; before the last fold it is of models that were trained in the same way on what came"
    " before. 'Nothing found' means that the record does not tell them from the best rule without learning, after"
    " correction for how many models were tried.",
    "What is held is the mean over seeds of what each seed would hold, and what it earned is the mean of what the seeds"
    " earned. Held by probability, a seed's position is its P(up) less one half, over the size of a full conviction on"
    " validation, cut at the limits: where seeds disagree the mean of the positions can lie on the other side than the"
    " mean P(up). Returns are parts of the day's equity and are added up, not compounded.",
    "A range is what lies between two price quantiles. 'Held before' is how often such a range held the outcome in the"
    " record; where that is less than stated, the range is too narrow. Over several sessions outcomes overlap, few are"
    " independent, and a range that is set on them tends to be too narrow.",
    "Skill is how much smaller the quantile loss was than that of the random walk, which says 'tomorrow = today' with"
    " the usual size of moves; a negative number says that the random walk was the better forecast.",
    "Prices ahead are as quoted today: a dividend that goes ex on the way makes the quoted price that much lower.",
)
"""How to read the page, a sentence or two each."""


NO_QUANTILES = "this model gives no quantiles"


def outlook_page(answer: Mapping[str, Any]) -> str:
    """Render the answer to ``predict`` as one self-contained HTML file.

    Parameters
    ----------
    answer
        As JSON has it.

    Returns
    -------
    str
        UTF-8 text of about 5 MB, of which 4.8 are the library that draws the figures. The same for equal answers.
    """
    outlooks = answer["outlooks"]
    figures = {}
    for at, outlook in enumerate(outlooks, start=1):
        figures[f"fan{at}"] = fan(outlook)
        figures[f"models{at}"] = probabilities(outlook)
    plots = drawn(figures)
    sections = [
        *(
            Section(words.title(outlook), f"ticker{at}", _ticker(outlook, at, plots))
            for at, outlook in enumerate(outlooks, start=1)
        ),
        Section("How to read this", "method", plain_list(METHOD)),
    ]
    return shell(words.heading(answer), _header(answer), sections, plots, styles=("what_if.css", "outlook.css"))


def _header(answer: Mapping[str, Any]) -> str:
    outlooks = answer["outlooks"]
    drawn_ones = [outlook["code"] for outlook in outlooks if outlook["simulated"]]
    alarms = []
    if drawn_ones:
        whose = "" if len(drawn_ones) == len(outlooks) else f"{', '.join(drawn_ones)}: "
        alarms.append(("SIMULATED", f"{whose}{SIMULATED}"))
    alarms += [("STALE", f"{outlook['code']}: {words.staleness(outlook)}") for outlook in outlooks if outlook["missed"]]
    alarms += [
        ("VALIDATION", f"{outlook['code']}: {said_of}")
        for outlook in outlooks
        if (said_of := words.validation(outlook))
    ]
    alarms += [("FAILED", f"{failed['code']}: {failed['reason']}") for failed in answer["failed"]]
    banners = "".join(
        f'<div class="simulated" role="note"><strong>{name}</strong>{escape(text)}</div>' for name, text in alarms
    )
    asked = str(answer["asked_at"]).replace("T", ", ").replace("Z", " UTC")
    several = _side_by_side(outlooks) if len(outlooks) > 1 else ""
    return (
        f'<header><h1>{escape(words.heading(answer))}</h1><p class="question">Asked on {escape(asked)}.</p>{banners}'
        f'{several}<div class="cards">{"".join(map(_card, outlooks))}</div>{plain_list(answer["notes"])}</header>'
    )


def _card(outlook: Mapping[str, Any]) -> str:
    """What a trader reads in five seconds."""
    one, record = words.speaker(outlook), outlook["record"]
    marks = "".join(f'<span class="mark">{word}</span>' for word in words.flags(outlook))
    seeds = f"{words.over_seeds(one)} over {one['seeds']} seeds" if one["seeds"] > 1 else "1 seed"
    low, up, high = (100 * one[name] for name in ("low", "up", "high"))
    sentences = "".join(
        f"<p>{unbroken(sentence)}</p>"
        for sentence in (
            words.expected_range(outlook),
            words.last_close(outlook),
            f"{words.by(outlook)} {record['sentence']}",
            words.held(outlook),
        )
        if sentence
    )
    style = "verdict outlook found" if record["found"] else "verdict outlook"
    return (
        f'<div class="{style}"><strong>{escape(words.title(outlook))}</strong>'
        f'{marks}<div class="up">P(up) {percent(one["up"]).replace(" ", "&nbsp;")}<small>{seeds}</small></div>'
        f'<div class="dial" role="img" aria-label="{escape(words.probability(one))}">'
        f'<span style="left:{low:.2f}%;width:{high - low:.2f}%"></span><b style="left:{up:.2f}%"></b></div>'
        f'<div class="scale" aria-hidden="true"><span>0 %</span><span>50 %</span><span>100 %</span></div>'
        f'<p class="word">{words.verdict(outlook)[:1].upper()}{words.verdict(outlook)[1:]}</p>{sentences}</div>'
    )


def _side_by_side(outlooks: Sequence[Mapping[str, Any]]) -> str:
    horizons = list(dict.fromkeys(horizon for outlook in outlooks for horizon in outlook["horizons"]))
    columns = [
        Column("ticker", numeric=False),
        Column("last close"),
        Column("change", "on the session before"),
        Column("P(up)", "mean over the seeds of the model that is quoted, and their range"),
        *(
            Column(f"range {words.horizon_name(horizon)}", "between the outermost price quantiles")
            for horizon in horizons
        ),
        Column("was right on", "share of calls of the record, with its interval"),
        Column("usual side", "share right by always calling the side that was usual in training"),
        Column("verdict", numeric=False),
    ]
    rows: list[list[Cell | str]] = []
    for outlook in outlooks:
        one, record = words.speaker(outlook), outlook["record"]
        name = "" if outlook["name"] == outlook["code"] else str(outlook["name"] or "")
        rows.append(
            [
                Cell(outlook["code"], ", ".join(part for part in (*words.flags(outlook), name) if part)),
                Cell(words.close(outlook), outlook["as_of"]),
                words.signed(outlook["change"]),
                Cell(percent(one["up"]), words.over_seeds(one) or "1 seed"),
                *(_range_cell(outlook, one, horizon) for horizon in horizons),
                _share_cell(record["accuracy"], f"of {record['n']:,}"),
                _share_cell(record["majority"]),
                words.verdict(outlook),
            ]
        )
    return table("Side by side", columns, rows)


def _range_cell(outlook: Mapping[str, Any], one: Mapping[str, Any], horizon: int) -> Cell:
    if horizon not in outlook["horizons"]:
        return Cell(DASH, remark="the study of this ticker does not look so far ahead")
    text = words.width(outlook, one, outlook["horizons"].index(horizon))
    return Cell(DASH, remark=NO_QUANTILES) if text == DASH else Cell(text, words.stated(one))


def _share_cell(score: Mapping[str, Any] | None, beside: str = "") -> Cell:
    if score is None:
        return Cell(DASH, remark="the run has no rule that always calls the usual side")
    text, _, interval = words.share(score).partition(" [")
    fine = " ".join(part for part in (f"[{interval}" if interval else "", beside) if part)
    return Cell(text, fine)


def _ticker(outlook: Mapping[str, Any], at: int, plots: Drawn) -> str:
    one, record = words.speaker(outlook), outlook["record"]
    shown = min(SHOWN, len(outlook["recent"]["session"]))
    stated = f"the ranges of {escape(said(one['model']))} ahead" if one["levels"] else "no range ahead"
    caption = (
        f"The last {shown} sessions as quoted (blue and hollow: up; red and filled: down), {stated}, and the naive"
        f" line: {words.NAIVE}."
    )
    about = {
        "Exchange": escape(outlook["exchange"]),
        "Data end": escape(outlook["as_of"]),
        "Sessions since": number(outlook["missed"], 0),
        "Source": escape(outlook["source"]),
        "Run": escape(outlook["run"]) + (" (trained just now)" if outlook["trained_now"] else ""),
        "Models learnt until": escape(outlook["learnt_until"]),
        "Record": f"{escape(record['first'])} to {escape(record['last'])}, {escape(record['judged'])}",
        "Brier score, 0.25 is a coin": escape(words.brier(record)),
    }
    if outlook.get("kept"):
        about["Kept"] = escape(outlook["kept"])
    return (
        plots.figure(f"fan{at}", caption)
        + _ahead(outlook)
        + plots.figure(f"models{at}", "What each model says of up, with the range over its seeds; dashed: a coin.")
        + _models(outlook)
        + facts(about)
        + plain_list(outlook["notes"])
    )


def _ahead(outlook: Mapping[str, Any]) -> str:
    """What is said of each horizon, and how well it was said before."""
    one, record = words.speaker(outlook), outlook["record"]
    bands = words.pairs(one["levels"])[::-1]
    columns = [
        Column("ahead", numeric=False),
        Column("due"),
        Column("median"),
        *(Column(f"{words.stated(one, pair)} range") for pair in bands),
        Column("held before", "how often the widest range held the outcome in the record, and what it states"),
        Column("skill", "how much smaller the quantile loss was than that of the random walk"),
    ]
    rows: list[list[Cell | str]] = []
    for place, horizon in enumerate(outlook["horizons"]):
        middle = words.median(one, place)
        rows.append(
            [
                words.sessions(horizon),
                words.due(outlook, place)
                if outlook["due"][place]
                else Cell(DASH, remark="beyond the holidays of the exchange that are known"),
                words.price(outlook, middle) if middle is not None else Cell(DASH, remark=NO_QUANTILES),
                *(words.width(outlook, one, place, pair) for pair in bands),
                _or_dash(words.coverage(record, horizon)),
                _or_dash(words.skill_at(record, horizon)),
            ]
        )
    naive = words.price(outlook, outlook["naive"])
    nothing = ["", ""]
    rows.append([words.NAIVE, "", naive, *("" for _ in bands), *nothing])
    return table(f"Prices ahead by {one['model']}, in {outlook['currency']}", columns, rows)


def _or_dash(text: str) -> Cell:
    return Cell(text, remark="the run has no such score" if text == DASH else "")


def _models(outlook: Mapping[str, Any]) -> str:
    columns = [
        Column("model", numeric=False),
        Column("P(up)"),
        Column("over seeds", "least and greatest"),
        Column("seeds"),
        *(Column(f"range {words.horizon_name(horizon)}") for horizon in outlook["horizons"]),
    ]
    rows: list[list[Cell | str]] = [
        [
            one["model"],
            percent(one["up"]),
            words.over_seeds(one) or Cell(DASH, remark="one seed"),
            str(one["seeds"]),
            *(_range_cell(outlook, one, horizon) for horizon in outlook["horizons"]),
        ]
        for one in words.in_order(outlook)
    ]
    return table("What each model says", columns, rows, marked=[0])
