"""Translation models in recipes: which one, between which codes, and what it cannot do."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from xstilts.core.errors import EncoderError, RecipeError
from xstilts.data.slices import Slice, Translation
from xstilts.data.translation import TRANSLATABLE
from xstilts.models import hub
from xstilts.models.translator_files import CODED, TranslatorFiles, inspect_translator
from xstilts.phases.forms import CODE, LAB, SOURCE, TranslatorChoice
from xstilts.phases.slices import Files
from xstilts.tasks import Task


def translator_of(
    translated: str | TranslatorChoice | None, files: Files
) -> TranslatorChoice | None:
    """The translation model that a recipe names; None for a folder of translations, and for none.

    A folder is a model's if it has a ``config.json``.
    """
    if not isinstance(translated, str) or translated == LAB:
        return translated if isinstance(translated, TranslatorChoice) else None
    named = TranslatorChoice(path=translated)
    return named if any((p / "config.json").is_file() for p in _places(named, files)) else None


def by_model(
    said: TranslatorChoice,
    task: Task,
    language: str,
    english: Slice,
    without: Sequence[str],
    files: Files,
    arm: str,
) -> Slice:
    """The examples of ``english`` in another language, but for those that leak there.

    Raises:
        RecipeError: for a task whose labels do not survive, and for languages without codes.
        EncoderError: when there is no usable model.
    """
    where = f"arms.{arm}: translated"
    if task.kind not in TRANSLATABLE:
        raise RecipeError(
            f"A model cannot translate {task.name}: its {len(task.labels) or 'open'} tags belong "
            "to the words of one language",
            where=where,
            expected=f"a task of the kind {', '.join(TRANSLATABLE)}",
            do=f"take {task.name} out of the arm, or translate it yourself: translated: DIR",
        )
    here = _model(said, files, where)
    digest = here.digest if here else f"hub:{said}"
    source, target = _codes(said, here, language, where)
    translation = Translation(
        kind=task.kind,
        model=digest,
        tokenizer=here.tokenizer if here else digest,
        source=source,
        target=target,
        prefix=said.prefix,
        beams=said.beams,
    )
    new: dict[str, object] = {"language": language, "part": "all", "sample": None, "codes": {}}
    new |= {"without": tuple(without), "translates": english, "translation": translation}
    return english.model_copy(update=new)


def languages_of(said: TranslatorChoice, reported: Sequence[str], arm: str) -> list[str]:
    """The reported languages that a model translates into.

    Raises:
        RecipeError: where the recipe does not say which these are.
    """
    named = [language for language in said.codes if language != SOURCE]
    if not named:
        raise RecipeError(
            f"The recipe does not say into which languages {said} translates",
            where=f"arms.{arm}: translated.codes",
            expected="a code for each of them, as its tokenizer has them",
            do="translated: {path: …, codes: {en: eng_Latn, sw: swh_Latn}}, or one language: de",
        )
    return [language for language in reported if language in named]


def _places(said: TranslatorChoice, files: Files) -> list[Path]:
    path = Path(str(said.path)).expanduser()
    roots = (*files.workplace.models, *files.workplace.data)
    return [path] if path.is_absolute() else [path, *(root / path for root in roots)]


def _model(said: TranslatorChoice, files: Files, where: str) -> TranslatorFiles | None:
    """What is known of a model that is here; None for one that is still on the hub."""
    if said.path is None:
        folder = hub.cached(str(said.hub), str(said.revision))
        if folder is None:
            files.translators[str(said)] = said
            return None
    else:
        places = _places(said, files)
        there = next((p for p in places if p.is_dir()), None)
        if there is None:
            raise EncoderError(
                f"There is no translation model {said.path}",
                where=f"{where}.path",
                expected=" or ".join(str(p.absolute()) for p in places),
                do="name its folder, or {hub: ORG/NAME, revision: COMMIT}",
            )
        folder = there.absolute()
    found = inspect_translator(folder, files.workplace.digests, where=where)
    files.sources |= {found.digest: folder, found.tokenizer: folder}
    return found


def _codes(
    said: TranslatorChoice, here: TranslatorFiles | None, language: str, where: str
) -> tuple[str | None, str | None]:
    """The codes of the two languages, where the model has any."""
    source, target = said.codes.get(SOURCE), said.codes.get(language)
    if CODE in said.prefix:
        if target is None:
            raise _no_code(said, [language], where)
        return None, target
    if here is None:
        return source, target  # to be looked at when it is here
    if here.family not in CODED:
        others = [x for x in said.codes if x not in (SOURCE, language)]
        if others:
            raise RecipeError(
                f"{said} ({here.family}) is told no language, and codes has {', '.join(others)}",
                where=f"{where}.codes",
                expected=f"a model for each language, or a prefix with {CODE} that tells it",
                do=f"prefix: '>>{CODE}<< ', as the model card says, or leave the others out",
            )
        return None, None
    missing = [x for x in (SOURCE, language) if x not in said.codes]
    if missing:
        raise _no_code(said, missing, where)
    for code in (source, target):
        if here.codes and code not in here.codes:
            near = get_close_matches(str(code), here.codes, 3, 0.5) or sorted(here.codes)[:8]
            raise RecipeError(
                f"The tokenizer of {said} knows no language {code!r}",
                where=f"{where}.codes",
                expected=f"one of its {len(here.codes)} codes, such as {', '.join(near)}",
                do="mend `codes`; the model card lists them",
            )
    return source, target


def _no_code(said: TranslatorChoice, languages: Sequence[str], where: str) -> RecipeError:
    return RecipeError(
        f"{said} tells languages apart by codes, and there is none for {', '.join(languages)}",
        where=f"{where}.codes",
        expected="the codes of both languages, as its model card lists them",
        do="codes: {en: eng_Latn, sw: swh_Latn}, as NLLB has them; M2M: {en: en, sw: sw}",
    )
