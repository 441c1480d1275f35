"""Golden token ids of T5's tokenizer, by transformers and by sentencepiece itself, for a small vocabulary.

    pip install transformers sentencepiece protobuf
    python tests/golden/scripts/t5_tokens.py

Trains a Unigram vocabulary of 420 pieces with T5's normalisation (nmt_nfkc) and ids (pad 0, end 1, unknown 2, no start) on the
project's own documents. Writes tests/golden/t5-spiece.model.gz, which is that vocabulary as it is published, and
tests/golden/t5-tokens.json: `texts`, and for each its ids by `sentencepiece` (without the end) and by `transformers` (with it).
"""

import gzip
import json
import platform
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from transformers import T5Tokenizer

GOLDEN = Path(__file__).resolve().parents[1]
ROOT = GOLDEN.parents[1]

texts = [
    "a blue cat against a sunset background",
    "",
    " ",
    "A",
    "  two   spaces, and\ttabs\nand\r\nlines  ",
    "\u3000wide\u3000spaces\u2003em\u00a0no-break\u200bzero-width\u2028line\u0085next\ufeffmark",
    "control\x01char\x07acters\x1f and\x7fdelete\x9fand",
    "▁literal ▁marks▁inside",
    "ｆｕｌｌｗｉｄｔｈ ＡＢＣ １２３ ～ tilde ~ 〜",
    "ligatures ﬁﬂﬃ, fractions ½ ¾, roman Ⅷ, circled ①②, squared ㎏ ㍿",
    "accents: café cafe\u0301 naïve nai\u0308ve Å A\u030a ṩ s\u0323\u0307 s\u0307\u0323 q\u0307\u0323",
    "halfwidth ｶﾞｷﾞ ﾊﾟ kana か\u3099 が",
    "日本の錦絵、広重の「東海道五十三次」",
    "кот на фоне заката; γάτα; חתול; قطة; बिल्ली; แมว; 고양이 \u1100\u1161\u11a8",
    "emoji 😀 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 ❤️ #️⃣",
    "math 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻 ∑ ≠ ≤ 10⁻³ x²",
    "zalgo z\u0300\u0301\u0302\u0303\u0304\u0305a\u0316\u0317\u0318\u0319l",
    "soft\u00adhyphen joiner\u200dnon\u200cjoiner left\u200eright\u200f",
    "unknown ꙮ\U00012000\U0001F9FF\U000E0041 runs",
    "lone replacement \ufffd and private \ue000 \U0010fffd",
    "punctuation!!! ???... -- — ‐ ‑ “quotes” ‘single’ «guillemets» \u2026",
    "numbers 1234567890 3.14159 1,000,000 007",
    "CamelCase snake_case kebab-case path/to/file.png https://example.org/?q=cat&n=2",
    "<pad> </s> <unk> and <extra_id_0> or <extra_id_99><extra_id_100>",
    "a</s>b <extra_id_5> c<extra_id_6>d",
    "＜/s＞ wide brackets",
    "x" * 300,
    "the cat " * 150,
    "a photo of the number " + " ".join(str(i) for i in range(120)),
    "\u0301starts with a mark",
    "① \u0301 ①\u0301 ﬁ\u0301 Ａ\u0301",
    "{[(weights:1.3)]} --ar 16:9 ::2 \\( \\)",
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        files = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
        lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
        corpus.write_text("\n".join(lines))
        model = Path(folder) / "spiece.model"
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(model.with_suffix("")), vocab_size=420, model_type="unigram",
            pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="nmt_nfkc", character_coverage=0.999,
            minloglevel=2,
        )  # fmt: skip
        packed = gzip.compress(model.read_bytes(), 9, mtime=0)
        (GOLDEN / "t5-spiece.model.gz").write_bytes(packed)
        tokenizer = T5Tokenizer.from_pretrained(folder)
        reference = sentencepiece.SentencePieceProcessor(model_file=str(model))
        cases = [
            {"text": text, "sentencepiece": reference.encode(text), "transformers": tokenizer(text).input_ids}
            for text in texts
        ]
    for case in cases:
        same = case["sentencepiece"] == case["transformers"][:-1]
        if not same:
            print("differ:", ascii(case["text"][:70]))
            print("  ", [reference.id_to_piece(i) for i in case["sentencepiece"]][:40])
            print("  ", tokenizer.convert_ids_to_tokens(case["transformers"])[:40])
    golden = {
        "command": "python tests/golden/scripts/t5_tokens.py",
        "versions": {
            "python": platform.python_version(),
            "transformers": transformers.__version__,
            "sentencepiece": sentencepiece.__version__,
        },
        "cases": cases,
    }
    path = GOLDEN / "t5-tokens.json"
    path.write_text(json.dumps(golden, ensure_ascii=True, indent=0).replace("\n", "") + "\n")
    print(len(packed), path.stat().st_size)


main()
