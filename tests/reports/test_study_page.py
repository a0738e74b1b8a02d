import dataclasses
import re

import pandas as pd

from tests.reports.test_report_html import HOSTILE, section
from xstilts.reports.html import render
from xstilts.reports.model import ReportInput
from xstilts.studies.finding import Finding


def with_study(report: ReportInput, finding: Finding, claims: pd.DataFrame | None) -> str:
    return render(dataclasses.replace(report, finding=finding, claims=claims))


def test_the_answer_of_the_study_stands_first_and_the_gains_below(
    report: ReportInput, finding: Finding
) -> None:
    page = with_study(report, finding, None)
    said = section(page, "answer")
    assert said.startswith("Answer LogME ranks best. All gains over none in words mnli gained most")
    assert '<p class="answer">LogME ranks best.</p>' in page
    unknown = dataclasses.replace(finding, measured=False, answer="Not measured: no arm.")
    assert '<p class="answer unmeasured">Not measured: no arm.</p>' in with_study(
        report, unknown, None
    )


def test_estimates_stand_with_interval_unit_and_seeds(
    report: ReportInput, finding: Finding
) -> None:
    said = section(with_study(report, finding, None), "findings")
    assert "NDCG of LogME 0.81 [0.70, 0.90] correlation 5" in said
    assert "gain of mnli +2.4 [−0.1, +4.8] points 5" in said


def test_every_figure_has_its_title_as_alternative_and_its_numbers_behind_it(
    report: ReportInput, finding: Finding
) -> None:
    page = with_study(report, finding, None)
    for figure in finding.figures:
        assert f'role="img" aria-label="{figure.title}"' in page
        assert f"<summary>The numbers drawn: {figure.title}</summary>" in page
        assert f"<caption>{figure.title}</caption>" in page
    assert "xnli mnli +5.5 +3.5 +7.5" in section(page, "findings")
    assert page.count("<caption>") == page.count("<table>")


def test_a_table_has_digits_signs_and_dashes_by_column(
    report: ReportInput, finding: Finding
) -> None:
    said = section(with_study(report, finding, None), "findings")
    assert "size 0.61 +3.2 0.31 81" in said
    assert "LogME 0.81 −0.4 &lt; 0.001 81" in said
    assert "CKA_100% — — — 0" in said and "LEEP 0.79 +1.1 0.020 1,204" in said
    assert "Files: ranking.csv, ranking.tex" in said


def test_design_methods_limits_and_references_are_told(
    report: ReportInput, finding: Finding, claims: pd.DataFrame
) -> None:
    known = dataclasses.replace(report, references=("xnli: arXiv:1809.05053",))
    page = with_study(known, finding, claims)
    design = section(page, "design")
    assert "Arms (3) none (baseline), mnli, hellaswag" in design
    assert "xnli (accuracy, 3 languages); tatoeba (accuracy, 2 languages)" in design
    assert "Languages (4) de en sw yo" in design and "Seeds 0, 1, 2, 3, 4" in design
    assert "Scores were computed on 500 examples." in section(page, "methods")
    assert "Five targets are few." in section(page, "methods")
    references = section(page, "references")
    assert "arXiv:1809.05053" in references and "a talk" in references


def test_claims_stand_with_verdict_effect_and_what_the_source_says(
    report: ReportInput, finding: Finding, claims: pd.DataFrame
) -> None:
    page = with_study(report, finding, claims)
    said = section(page, "claims")
    assert (
        "SQuAD raises the mean squad-gain supported +2.4 [+0.6, +4.2] +8.2 dev mnli on xnli: "
        "30 cells verified a talk, confidence 0.2" in said
    )
    assert "Translated beats plain mt not measured — —" in said
    assert "MNLI is large n supported 392,702 392,702 dev — verified" in said
    assert 'class="word gain">supported' in page and 'class="word unclear">not measured' in page
    assert 'id="claims"' not in with_study(report, finding, None)


def test_the_signature_changes_with_a_file_and_with_a_seed(
    report: ReportInput, finding: Finding
) -> None:
    def line(shown: ReportInput) -> str:
        return section(with_study(shown, finding, None), "signature").split(" programs. ")[1]

    rows = [{"task": "xnli", "split": "test", "language": "sw", "digests": ("ab" * 32,)}]
    told = dataclasses.replace(report, data=rows, provenance={"torch": "2.9"})
    assert re.match(
        r"recipe:small \| torch:2\.9 \| encoder:tiny \| data:[0-9a-f]{12} \| arms:3 \| targets:2 "
        r"\| seeds:0,1,2,3,4 \| resampling:none, over seeds alone "
        r"Every file read .* xnli test sw abababababab$",
        line(told),
    )
    other = dataclasses.replace(told, data=[rows[0] | {"digests": ("cd" * 32,)}])
    fewer = dataclasses.replace(told, rows=report.rows[report.rows["seed"].fillna(0) < 4])
    data = [re.search("data:(.{12})", line(shown)) for shown in (told, other, fewer)]
    assert data[0] and data[1] and data[2]
    assert data[0][1] != data[1][1] and data[0][1] == data[2][1]
    assert "seeds:0,1,2,3 " in line(fewer)


def test_the_signature_tells_how_test_items_were_drawn(
    counted: ReportInput, finding: Finding
) -> None:
    page = with_study(counted, finding, None)
    assert "resampling:1000 draws of item groups from seed 0" in section(page, "signature")


def test_hostile_findings_and_claims_are_escaped(
    report: ReportInput, finding: Finding, claims: pd.DataFrame
) -> None:
    hostile = dataclasses.replace(
        finding,
        study=HOSTILE,
        answer=HOSTILE,
        estimates={HOSTILE: finding.estimates["gain of mnli"]},
        tables=[
            dataclasses.replace(
                finding.tables[0],
                title=HOSTILE,
                note=HOSTILE,
                rows=pd.DataFrame({HOSTILE: [HOSTILE]}),
            )
        ],
        figures=[
            dataclasses.replace(
                figure,
                title=f'"{HOSTILE}',
                note=HOSTILE,
                data=figure.data.rename(columns={figure.x: HOSTILE}).assign(extra=HOSTILE),
                x=HOSTILE,
            )
            for figure in finding.figures
        ],
        method=HOSTILE,
        limits=[HOSTILE],
    )
    page = with_study(report, hostile, claims.assign(statement=HOSTILE, note=HOSTILE))
    assert page.count("<script") == 1 and 'aria-label="&quot;&lt;script&gt;' in page


def test_a_finding_of_nothing_says_so(report: ReportInput) -> None:
    page = with_study(report, Finding(study="gap", answer="Not measured.", measured=False), None)
    assert "There is nothing to show yet." in section(page, "findings")
    assert "No method is told. Limits None are told." in section(page, "methods")
    assert "nothing random was trained" not in section(page, "design")


def test_a_recipe_without_a_study_has_none_of_its_sections(report: ReportInput) -> None:
    page = render(report)
    for name in ("findings", "design", "claims", "methods", "references", "signature"):
        assert f'id="{name}"' not in page and f'href="#{name}"' not in page
