"""The verb that ranks intermediate tasks for a target."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xstilts.api import asked
from xstilts.api.asked import Folder, Say

if TYPE_CHECKING:
    from xstilts.studies.recommend import Recommendation


def recommend(
    recipe: str,
    *changes: str,
    target: str,
    languages: Sequence[str] = (),
    with_stages: bool = False,
    store: Folder = None,
    data: Folder = None,
    say: Say = lambda line: None,
) -> "Recommendation":
    """Rank a recipe's intermediate tasks for a target by how alike they are; trains no target.

    Args:
        recipe: a shipped name or the path of a YAML file; its arms are the candidates, its first
            encoder is the one that is meant.
        changes: ``key.path=VALUE``, as `--set` takes them.
        target: one task with English training data.
        languages: that it is wanted in; all that it has here if none are named.
        with_stages: whether the intermediate stages are trained and measured, too, and the target
            once without any.
        store: where results lie.
        data: the data folder.
        say: takes lines of progress.

    Raises:
        UserError: for what the caller can mend.
        StepFailedError: when a measurement failed.
    """
    from xstilts.executors import LocalExecutor
    from xstilts.studies.recommending import recommended

    place = asked.workplace(store, data)
    opened = asked.open_recipe(recipe, changes)
    return recommended(
        opened, place, LocalExecutor(), target, languages, with_stages=with_stages, say=say
    )
