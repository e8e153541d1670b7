"""A small byte-level BPE whose tokens span words but never numbers: transcripts are short and numbers clean.

Any text can be encoded; text unlike the training transcripts just takes many tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from atp_ray.paradigms.teaching import Transcript
from atp_ray.play.prompts import Message

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# Numbers and line ends stand alone: what follows "assistant\n" is tokenised alike in a prompt and in a reply.
_ALONE = Regex(r"\d+(?:\.\d+)?|\n")


class TokenisedTranscript(NamedTuple):
    """Token ids [T] of a conversation, and which of them are to be predicted."""

    ids: list[int]
    trained: list[bool]


def train_tokenizer(transcripts: Iterable[Transcript], vocabulary: int) -> PreTrainedTokenizerFast:
    """Learn a tokenizer of `vocabulary` tokens from transcripts, with a ChatML-like chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_ALONE, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Every whole percentage must be one token, however rare.
    numbers = [str(value) for value in range(101)] * 50
    texts = (
        f"{message['role']}\n{message['content']}" for transcript in transcripts for message in transcript.messages
    )
    tokenizer.train_from_iterator([*texts, *numbers], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def tokenise(tokenizer: PreTrainedTokenizerFast, transcript: Transcript) -> TokenisedTranscript:
    """Return the ids the chat template gives, with the trained replies (and the token that ends them) marked."""
    ids: list[int] = []
    trained: list[bool] = []
    for message, wanted in zip(transcript.messages, transcript.trained, strict=True):
        for text, flag in _pieces(message, wanted):
            piece = tokenizer.encode(text, add_special_tokens=False)
            ids += piece
            trained += [flag] * len(piece)
    return TokenisedTranscript(ids, trained)


def _pieces(message: Message, wanted: bool) -> Sequence[tuple[str, bool]]:
    return ((f"{START}{message['role']}\n", False), (f"{message['content']}{END}", wanted), ("\n", False))
