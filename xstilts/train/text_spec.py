"""What a stage that reads text is told. No torch here, so planning stays light."""

from pydantic import Field

from xstilts.core.spec import Spec
from xstilts.data.masking import Masking

ROWS, TOKENIZER = "text", "text_tokenizer"  # names of inputs
MASKING = Masking(share=0.15, masked=0.8, random=0.1)


class TextUpdates(Spec):
    """Updates of masked LM on text.

    Attributes:
        share: of all updates of the stage; 1 where nothing else is trained on.
        sampling: exponent of the languages' shares, see :func:`xstilts.data.corpora.shares`.
        masking: what is predicted.
        tokenizer: digest of its files; None if it is that of a step.
    """

    share: float = Field(gt=0, le=1)
    sampling: float = Field(ge=0, le=1)
    masking: Masking
    tokenizer: str | None
