"""TensorBoard event files, written only when asked."""

from collections.abc import Mapping
from pathlib import Path

from xstilts.core.errors import UserError


class Events:
    """Scalars of one stage under ``tensorboard/`` in its folder."""

    def __init__(self, folder: Path, wanted: bool) -> None:
        """Open a writer if ``wanted``.

        Raises:
            UserError: when TensorBoard is not installed.
        """
        self._writer = None
        if not wanted:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UserError(
                "TensorBoard is not installed",
                where="runtime.tensorboard",
                expected="the extra `tracking`",
                do="pip install 'xstilts[tracking]'",
            ) from None
        self._writer = SummaryWriter(str(folder / "tensorboard"))

    def write(self, update: int, facts: Mapping[str, float | str]) -> None:
        """Add the numbers among ``facts`` at one update."""
        for name, value in facts.items():
            if self._writer is not None and isinstance(value, float):
                self._writer.add_scalar(name, value, update)

    def close(self) -> None:
        """Write what is buffered."""
        if self._writer is not None:
            self._writer.close()
