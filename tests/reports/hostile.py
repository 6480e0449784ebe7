"""Names and contents that try to be more than text, and sample reports that hold them everywhere."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from codex_audit.artifacts import TrainingRun, UnreadFile
from codex_audit.reports.model import ReportInput
from codex_audit.scanners.model import (
    Finding,
    ScannerReport,
    ScanResults,
    ScanSummary,
    State,
    Suppression,
    Unscanned,
)
from tests.reports.samples import SAVED, answer, answers, entry, evidence, facets, index, overruled, report

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script><style>",
    "\"><img src=x onerror=alert(1)> ' onfocus='alert(1)",
    "</details></main><!-- comment",
    "<![CDATA[ ]]> <?xml ?> ]]> &amp; &lt;b&gt; &#x3c;i>",
    "[click](https://evil.example) {0} {{ 7 * 7 }} {% raw %}",
    "a | b | c \\| d ``` fence ````",
    "line\n\n# heading\r\n| x | y |",
    "[bold red]rich markup[/] [@click=app.bell]x[/]",
    "\x1b[31mred\x1b[0m \x00 \x9b1m \u202e reversed \u2066 isolated \u200b",
    "\u0645\u0644\u0641 \u05e7\u05d5\u05d1\u05e5",
    "\ufffe\uffff",
    "x" * 10_000,
)
ANY = st.sampled_from(HOSTILE) | st.text(
    st.sampled_from("<>&\"'/!-[](){}`|\\ \n\t\x00\x1b\u202e\ufffe\uffffscriptSTYLEonx=;:#é")
    | st.characters(exclude_categories=["Cs"])
)


def spoiled(text: str) -> ReportInput:
    """The sample report with ``text`` wherever a tree or a scanner can put words."""
    place = replace(evidence(f"pkg/{text}.py", excerpt=text, why=text), symbol=text, scope=text)
    saved = answers(
        answer("saving.weights", "yes", place, reason=text),
        answer("saving.optimizer", "no", near=(place, place), reason=text),
        overruled(replace(answer("saving.digest", "unknown", reason=text), looked_for=(text,)), "no", text),
        *SAVED.probes[3:],
        support=SAVED.support,
    )
    tree = index("pkg/__init__.py", f"pkg/{text}.py")
    odd = replace(entry(f"odd {text}"), note=text)
    tree = replace(tree, view="walk", notes=(text,), excluded=(text,), files=(*tree.files, odd))
    facts = facets(f"pkg/{text}.py", project=text, unread=(UnreadFile(text, "python", 1, text),))
    made = report(saved, tree=tree, facts=facts, title=text)
    return replace(made, scan=scan(text), runs=(TrainingRun(text, text, 3, 1.25, text),))


def scan(text: str) -> ScanResults:
    """One scanner that found something, and one that is not installed."""
    found = Finding(
        f"B1{text}",
        "high",
        "low",
        text,
        3,
        text,
        text,
        suppression=Suppression("inline", text, text, "2027-01-02"),
    )
    whole = Finding("LIC", "info", "high", "", 0, text)
    reports = (scanned("bandit", "done", text, (found, whole)), scanned("licences", "missing", text))
    summary = ScanSummary("codex-audit/scan/v1", "0.1", "b" * 64, (), (), (text,))
    return ScanResults(summary, reports)


def scanned(tool: str, state: State, text: str, found: tuple[Finding, ...] = ()) -> ScannerReport:
    version = "1.8" if state == "done" else ""
    unscanned = (Unscanned(text, text),)
    return ScannerReport(
        "codex-audit/scanner_report/v1", tool, tool, version, "b" * 64, state, text, "", found, unscanned, ()
    )
