"""Tiny models for tests of encoders: a word-piece table and a BERT with random weights."""

import json
from pathlib import Path

import numpy as np
from tnt_llm.classifiers.encoders.static import StaticEncoder
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

PIECES = (
    *(
        "[PAD]",
        "[unused0]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "!",
        "?",
        ".",
        ",",
        "my",
        "card",
        "was",
        "declined",
    ),
    *(
        "the",
        "payment",
        "did",
        "not",
        "go",
        "through",
        "how",
        "do",
        "i",
        "change",
        "address",
        "on",
        "account",
        "un",
    ),
    *(
        "##able",
        "##s",
        "##ed",
        "to",
        "pay",
        "a",
        "b",
        "c",
        "中",
        "文",
        "caf",
        "##e",
        "stra",
        "##ss",
        "x",
        "y",
        "z",
    ),
)


def tiny_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer as BERT has it, with some forty pieces."""
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", PIECES.index("[CLS]")), ("[SEP]", PIECES.index("[SEP]"))],
    )
    return tokenizer


def tiny_static(dimension: int = 8) -> StaticEncoder:
    """A static encoder with a random table; special pieces are zero."""
    table = np.random.default_rng(0).normal(size=(len(PIECES), dimension)).astype(np.float16)
    table[:6] = 0
    return StaticEncoder(table, tiny_tokenizer().to_str())


def write_tiny_bert(folder: Path) -> Path:
    """A BERT of two layers with random weights, as transformers writes it, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    assert json.loads((folder / "config.json").read_text())["hidden_act"] == "gelu"
    return folder
