"""Every error we raise on purpose.

* XstiltsError
  + UserError            something the user can mend; exit code 2, no traceback
    - UnknownNameError   a task, language, recipe, key or step that does not exist
    - RecipeError        a recipe that says something impossible
    - DataError          a file that is missing, malformed or corrupt
    - LeakError          training or selection text that a reported split also holds
    - EncoderError       a folder that is no usable encoder
    - HubError           files that the Hugging Face hub does not give
    - StoreError         a place where no results can be kept
    - MachineError       a machine that could not be measured
  + FingerprintError     a value that has no stable identity
  + CorruptResultError   a stored result whose bytes or record do not match
  + WorkerError          a worker process that died, or an error that could not leave it
  + StepFailedError      steps that failed while others were finished; exit code 1

``assert`` is for our own bugs only.
"""

import difflib
from collections.abc import Iterable


class XstiltsError(Exception):
    """Base of every error this library raises on purpose."""


class UserError(XstiltsError):
    """Something the user can mend, told in four parts.

    Attributes:
        what: what went wrong, one sentence.
        where: the file and line, the recipe key, or the folder.
        expected: what should have been there.
        do: what to do next, as a command where there is one.
    """

    def __init__(self, what: str, *, where: str, expected: str, do: str) -> None:
        """Keep the four parts; ``str(error)`` joins them, one a line."""
        self.what, self.where, self.expected, self.do = what, where, expected, do
        super().__init__(f"{what}\n  where:    {where}\n  expected: {expected}\n  do:       {do}")

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, str]]:
        """Cross a process boundary with all four parts."""
        return _rebuild, (type(self), str(self)), dict(self.__dict__)


def _rebuild(kind: type[UserError], text: str) -> UserError:
    error = kind.__new__(kind)
    error.args = (text,)
    return error


class UnknownNameError(UserError):
    """A name that is not in a registry, with the nearest one that is."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str, do: str) -> None:
        """Compare ``name`` with all ``known`` ones and suggest the closest."""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
        super().__init__(
            f"No {kind} is called {name!r}.{hint}",
            where=where,
            expected=f"one of: {shown}",
            do=do,
        )


class RecipeError(UserError):
    """A recipe that says something impossible."""


class DataError(UserError):
    """A data file that is missing, malformed or corrupt."""


class LeakError(UserError):
    """Training or selection text that a reported split also holds."""


class EncoderError(UserError):
    """A folder that is no usable encoder, or one that cannot do what is asked."""


class HubError(UserError):
    """Files that the Hugging Face hub does not give, or not as they should be."""


class StoreError(UserError):
    """A place where no results can be kept."""


class MachineError(UserError):
    """A machine that could not be measured, or has too little memory."""


class FingerprintError(XstiltsError):
    """A value that has no stable identity across processes."""


class CorruptResultError(XstiltsError):
    """A stored result whose bytes or record do not match what was promised."""


class WorkerError(XstiltsError):
    """A worker process that died in a step, or the text of an error that could not leave it."""


class StepFailedError(XstiltsError):
    """Some steps failed; every step that did not need them was finished."""
