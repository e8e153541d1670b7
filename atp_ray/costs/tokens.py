"""How many tokens a text is: by the checkpoint's own tokenizer where that is on this machine, else by a rule of thumb.

What a chat template adds is counted as ChatML's, which is the template of Qwen and of `tiny`: five tokens a message
(two marks, the role, two line ends) and three to begin the reply. Llama's differs by one a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from atp_ray.checkpoint.profiles import ModelProfile, Profile
from atp_ray.errors import UsageError
from atp_ray.play.prompts import Message

CHARACTERS_PER_TOKEN = 4  # English text in the vocabularies of today's large models; 3.8 to 4.5 are usual
PER_MESSAGE, PER_PROMPT = 5, 3
TOKENIZER_FILE = "tokenizer.json"


class TokenCounter:
    """Counts tokens; texts that come again are looked up.

    Args:
        count: tokens of a text.
        source: how it counts, for the reader of an estimate.
    """

    def __init__(self, count: Callable[[str], int], source: str) -> None:
        self.source = source
        self._count = count
        self._known: dict[str, int] = {}

    def text(self, text: str) -> int:
        """Return the tokens of a text."""
        if text not in self._known:
            self._known[text] = self._count(text)
        return self._known[text]

    def prompt(self, messages: Sequence[Message]) -> int:
        """Return the tokens of chat messages with what a chat template adds."""
        return sum(self.text(message["content"]) + PER_MESSAGE for message in messages) + PER_PROMPT


def by_characters(text: str) -> int:
    """Return the tokens of a text by the rule of thumb."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def token_counter(profile: Profile) -> TokenCounter:
    """Return what counts a checkpoint's tokens; nothing is fetched.

    Raises:
        UsageError: its tokenizer cannot be read.
    """
    file = tokenizer_file(profile) if isinstance(profile, ModelProfile) else None
    if file is None:
        return TokenCounter(by_characters, f"{CHARACTERS_PER_TOKEN} characters a token")
    # Imported here: agents know this package and must not pay for it.
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing more particular
        raise UsageError(f"is no tokenizer: {error}", str(file), "Restore the file from a copy") from error
    return TokenCounter(lambda text: len(tokenizer.encode(text, add_special_tokens=False)), "its own tokenizer")


def tokenizer_file(profile: ModelProfile) -> Path | None:
    """Return the file of a checkpoint's tokenizer, None where it is not on this machine."""
    if (path := Path(profile.source) / TOKENIZER_FILE).is_file():
        return path
    if Path(profile.source).exists() or profile.source.count("/") != 1:
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(profile.source, TOKENIZER_FILE, revision=profile.hub_revision or None)
    return Path(cached) if isinstance(cached, str) else None
