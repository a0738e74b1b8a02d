"""Tables in LaTeX: ``booktabs`` rules, everything escaped."""

from collections.abc import Sequence

_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
        "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "\N{MINUS SIGN}": "$-$", "±": r"$\pm$", "→": r"$\rightarrow$", "—": "---", "–": "--",
        "†": r"\dag{}", "<": r"\textless{}", ">": r"\textgreater{}", "×": r"$\times$",
        "·": r"\textperiodcentered{}", "[": "{[}", "*": "{*}", "≤": r"$\leq$", "≥": r"$\geq$",
    }
)  # fmt: skip


def escaped(text: str) -> str:
    r"""One line of text that LaTeX sets as it stands.

    ``[`` and ``*`` are in braces, because at the start of a row they would belong to the ``\\``
    before it.
    """
    return " ".join(text.split()).translate(_ESCAPED)


def row(cells: Sequence[str]) -> str:
    r"""One line of a table, with its ``\\``."""
    return " & ".join(map(escaped, cells)) + r" \\"


def tabular(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], caption: str
) -> str:
    """A ``table`` with its caption; needs the package ``booktabs`` and nothing else.

    Args:
        head: names of the columns.
        rows: their texts.
        right: which columns stand flush right.
        caption: above the table.
    """
    columns = "".join("r" if flush else "l" for flush in right)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{escaped(caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            row(head),
            r"\midrule",
            *[row(cells) for cells in rows],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
