"""The files beside a study's report: tables as CSV and LaTeX, figures as SVG and PNG."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from xstilts.reports import latex
from xstilts.reports.charts import chart
from xstilts.reports.drawing import file_png, file_svg
from xstilts.reports.frames import frame_records, frame_table
from xstilts.studies.finding import Finding, Table

if TYPE_CHECKING:
    import pandas as pd


def study_files(finding: Finding, claims: "pd.DataFrame | None" = None) -> Mapping[str, bytes]:
    """File name -> content, for the folder of the report.

    A table gives ``NAME.csv``, with every digit, and ``NAME.tex``; a figure ``NAME.svg`` and
    ``NAME.png``; the estimates are ``estimates``, the claims ``claims``.

    Raises:
        ValueError: two tables or two figures of one name.
    """
    found: dict[str, bytes] = {}
    for name, data in _files(finding, claims):
        if name in found:
            raise ValueError(f"two parts of the study {finding.study} would be written to {name}")
        found[name] = data
    return found


def _files(finding: Finding, claims: "pd.DataFrame | None") -> Iterator[tuple[str, bytes]]:
    tables = [*finding.tables]
    if finding.estimates:
        tables.append(_estimates(finding))
    if claims is not None and len(claims):
        tables.append(Table(name="claims", title="Claims and what is found", rows=claims))
    for table in tables:
        yield f"{table.name}.csv", _csv(table)
        yield f"{table.name}.tex", _tex(table)
    for figure in finding.figures:
        drawn = chart(figure)
        yield f"{figure.name}.svg", file_svg(drawn, figure.title)
        yield f"{figure.name}.png", file_png(drawn)


def _estimates(finding: Finding) -> Table:
    import pandas as pd

    rows = [
        {
            "estimate": name,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "unit": estimate.unit,
            "seeds": estimate.seeds,
        }
        for name, estimate in finding.estimates.items()
    ]
    title = "Estimates behind the answer, with 95 % intervals"
    return Table(name="estimates", title=title, rows=pd.DataFrame(rows))


def _csv(table: Table) -> bytes:
    frame_records(table.rows)  # refuses what no reader of the file could tell
    return bytes(table.rows.to_csv(index=False, lineterminator="\n").encode())


def _tex(table: Table) -> bytes:
    shown = frame_table(table.rows)
    rows = [[cell.text for cell in line] for line in shown.rows]
    right = [shown.kind(column) == "number" for column in range(len(shown.head))]
    caption = f"{table.title.rstrip('.')}. {table.note}".strip()
    return latex.tabular(shown.head, rows, right, caption).encode()
