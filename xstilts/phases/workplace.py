"""Where a recipe runs: the store, the data folders, and what this machine multiplies fast."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from xstilts.core.errors import EncoderError, MachineError, RecipeError, StoreError
from xstilts.lab import DIGEST
from xstilts.models import hub
from xstilts.models.files import EncoderFiles, another_folder, inspect
from xstilts.phases.encoder_choice import EncoderChoice
from xstilts.store import Digests, Store, store_at
from xstilts.tasks import get_task


@dataclass(frozen=True)
class Workplace:
    """Folders of one run; none of them is part of any identity.

    Attributes:
        store: finished results.
        data: data folders, searched in order.
        models: where relative encoder paths are searched, after the current folder.
        digests: remembered digests of files.
        asked: whether the data folder was named for this one run.
    """

    store: Store
    data: tuple[Path, ...]
    models: tuple[Path, ...]
    digests: Digests
    asked: bool = False

    @classmethod
    def of(cls, store: str | Path | None = None, data: str | Path | None = None) -> "Workplace":
        """The named folders, else those of ``$XSTILTS_HOME``, ``_DATA`` and ``_MODELS``."""
        kept = store_at(store or os.environ.get("XSTILTS_HOME") or "xstilts-store")
        folder = data or os.environ.get("XSTILTS_DATA")
        models = os.environ.get("XSTILTS_MODELS")
        return cls(
            kept,
            (Path(folder).expanduser(),) if folder else (),
            (Path(models),) if models else (),
            Digests(kept.root / "digests.json"),
            asked=bool(data),
        )

    def require_store(self) -> None:
        """Make sure that the store is a folder in which results can be kept.

        Raises:
            StoreError: when it is none and cannot become one.
        """
        root = self.store.root
        try:
            root.mkdir(parents=True, exist_ok=True)
            reason = "" if os.access(root, os.W_OK) else "it cannot be written to"
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            raise StoreError(
                f"No results can be kept in {root}: {reason}",
                where="--store, or XSTILTS_HOME",
                expected="a folder, or a place where one can be made",
                do="name another one: --store DIR",
            )

    def with_lab(self, tasks: Iterable[str] = ()) -> "Workplace":
        """The same place with the generated world as its only data and model folder.

        The world is written once a store, under the name of its files' digest; its bytes are
        the same everywhere, and so are the keys of what is made from it. Those of ``tasks`` that
        are others with a knob turned are written when they are first read.

        Raises:
            RecipeError: when a data folder was asked for, which would not be read.
        """
        if self.asked:
            raise RecipeError(
                f"The recipe reads generated data, not {self.data[0]}",
                where="--data, and data: lab in the recipe",
                expected="one of the two",
                do="--set data=null, or leave --data out",
            )
        folder = self.store.root / "lab" / DIGEST
        if not folder.exists():
            from xstilts.lab import encoder
            from xstilts.lab.export import export

            scratch = folder.with_name(f".{DIGEST}.{os.getpid()}")
            export(scratch)
            texts = [p.read_text("utf-8") for p in sorted(scratch.rglob("tatoeba.*"))]
            encoder.export(scratch / "lab" / "encoder", texts)
            with contextlib.suppress(OSError):  # another process was faster; its bytes are the same
                scratch.rename(folder)
        for task in tasks:
            if get_task(task).variant_of:
                from xstilts.lab.export import vary

                vary(folder, task)
        return replace(self, data=(folder,), models=(folder,))

    def encoder(self, choice: EncoderChoice, where: str = "encoder.path") -> EncoderFiles | None:
        """The files of an encoder that is here; None for one that is still on the hub.

        Args:
            choice: which one.
            where: the key or option that named its path.

        Raises:
            EncoderError: when there is no usable encoder at its path.
        """
        if choice.path is None:
            if choice.revision is None:
                return None
            folder = hub.cached(str(choice.hub), choice.revision)
            if folder is None:
                return None
            return inspect(folder, self.digests, where="encoder.hub")
        path = Path(choice.path).expanduser()
        places = [path] if path.is_absolute() else [path, *(m / path for m in self.models)]
        here = next((p for p in places if p.is_dir()), None)
        if here is None:
            raise EncoderError(
                f"There is no encoder folder {choice.path}",
                where=where,
                expected=" or ".join(str(p.absolute()) for p in places),
                do=f"{another_folder(where)}, or set XSTILTS_MODELS",
            )
        return inspect(here.absolute(), self.digests, where=where)

    def resolved(
        self, precision: Literal["auto", "bf16", "fp32"], threads: int
    ) -> Literal["bf16", "fp32"]:
        """A precision as it is hashed: ``auto`` is what :meth:`precision` says."""
        return self.precision(threads) if precision == "auto" else precision

    def precision(self, threads: int) -> Literal["bf16", "fp32"]:
        """What ``precision: auto`` means here: bf16 where its products are much faster.

        Measured once a machine and number of threads, in a process of its own (planning imports no
        torch), and remembered in the store.
        """
        memory = self.store.root / "machine.json"
        name = f"{os.uname().nodename} {os.cpu_count()} cores {threads} threads"
        try:
            known = json.loads(memory.read_text())
        except (OSError, ValueError):
            known = {}
        if name not in known:
            known[name] = _measure(threads)
            memory.parent.mkdir(parents=True, exist_ok=True)
            scratch = memory.with_suffix(f".{os.getpid()}")
            scratch.write_text(json.dumps(known, indent=1))
            scratch.replace(memory)
        rates = known[name]
        return cast('Literal["bf16", "fp32"]', rates["precision"])


def _measure(threads: int) -> dict[str, object]:
    command = [sys.executable, "-m", "xstilts.models.device", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(
            f"This machine could not be measured: {done.stderr.strip()}",
            where="training.precision: auto",
            expected=f"a figure from: {' '.join(command)}",
            do="--set training.precision=fp32",
        )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
