"""Golden token ids of CLIP's tokenizer, by transformers, for texts that are awkward in every way.

    pip install transformers tokenizers
    python tests/golden/scripts/clip_tokens.py

Reads the vocabulary that the project embeds (weights/clip-merges.txt.gz) and writes tests/golden/clip-tokens.json: the texts, the
ids of each without those at its ends; `padded`, texts with "!" where that is the padding (as in 2.x and XL's second encoder);
`learned`, texts with tokens that were added, as diffusers does for textual inversions; and the versions.
"""

import gzip
import json
import platform
import random
from pathlib import Path

import tokenizers
import transformers
from transformers import CLIPTokenizer

ROOT = Path(__file__).resolve().parents[3]


def byte_characters():
    """The printable stand-ins of all bytes, as in GPT-2's byte-level vocabulary, in the order of CLIP's ids."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) for byte in kept] + [chr(256 + i) for i, _ in enumerate(others)]


merges = [tuple(line.split()) for line in gzip.open(ROOT / "weights/clip-merges.txt.gz").read().decode().splitlines()]
characters = byte_characters()
pieces = [*characters, *(c + "</w>" for c in characters), *("".join(merge) for merge in merges)]
vocabulary = {piece: i for i, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges)

TEXTS = [
    "", " ", "a", "A Cat", "blue cat against a sunset background", "  leading and trailing  ", "tabs\tand\nnew lines\r\n",
    "it's they're I've I'm we'll he'd don't", "IT'S THEY'RE", "o'clock rock'n'roll", "1234567890", "3.14 and 1,000", "2x4",
    "café naïve über", "café decomposed", "ﬁne ligature", "ＦＵＬＬ width", "Straße GROSS", "İstanbul ıı", "ǅ titlecase",
    "你好,世界", "日本語のテキスト", "한국어 텍스트", "Привет, мир!", "مرحبا بالعالم", "שלום", "नमस्ते दुनिया", "สวัสดี",
    "😀", "👩‍👩‍👧‍👦 family", "🇩🇪 flag", "👍🏽 skin", "a😀b", "cat🐈dog", "™ © ®", "½ ⅓ Ⅷ ①", "x² + y³ = z₁", "∑∫√∞≠",
    "hello!!! ... ???", "--ar 16:9 --v 5", "(masterpiece:1.2), [ugly]", "a_b_c snake_case", "camelCase PascalCase", "e-mail@example.com",
    "https://example.com/path?x=1&y=2#z", "&amp; &lt;b&gt; &quot;", "<b>bold</b>", "<|startoftext|>", "a <|endoftext|> b", "<|endoftext|",
    "C:\\path\\file.txt", "$100 €50 £20 ¥10", "100% #1 @home", "\"quoted\" 'single' `tick`", "“curly” ‘quotes’ „low“ «guillemets»",
    "em—dash en–dash hyphen-minus", "ellipsis…", "zero\u200bwidth", "soft\u00adhyphen", "no\u00a0break\u2003space", "\u3000ideographic",
    "\u0000null", "\u0007bell", "\ufeffbom", "\u2028line", "a\u0301\u0323 marks", "ﷺ", "𝔉𝔯𝔞𝔨𝔱𝔲𝔯", "𠮷野家", "\U0001f9ff",
    "supercalifragilisticexpialidocious", "a" * 100, "ab" * 60, "word " * 90, "pneumonoultramicroscopicsilicovolcanoconiosis",
    "Greg Rutkowski, artstation, 8k, hdr", "portrait of a woman, oil on canvas, by Rembrandt (1606–1669)", "'s", "'", "''", "'S 'T 'RE",
    "l'été d'été", "x'y", "don’t", "1st 2nd 3rd", "v1.5-pruned-emaonly", "SDXL 1.0", "[[nested]] ((parens)) {{braces}}", "|pipe|", "\\escaped\\(",
]  # fmt: skip
random.seed(1)
alphabet = "abcXYZ019 '-.,!?()é漢😀\u0301\n_’ßİ²"
TEXTS += ["".join(random.choice(alphabet) for _ in range(random.randint(1, 24))) for _ in range(110)]

LEARNED = ["<Cat-Toy>", "my.style", "<toy>", "<toy>-x", "café"]
TAUGHT = [
    "a <cat-toy> b", "A <CAT-TOY>, x", "my.style my-style xmy.styley", "<toy>-x <toy> <TOY>-X<toy>", "a<toy>b", "a < toy >", "CAFE\u0301 cafe",
    "<toy", "toy>", "<|endoftext|><toy>!", "  <toy>  ",
]  # fmt: skip


def ids_of(tokenizer, texts):
    return [[text, tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]


padding = CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token="!")
padded = ids_of(padding, [text for text in [*TEXTS, "wow! a!!b", "!", '"a!"', "!?!", "I'll!", "¡hola!", "！full"] if "!" in text])
taught = CLIPTokenizer(vocab=vocabulary, merges=merges)
taught.add_tokens(LEARNED)
learned = {"names": LEARNED, "texts": ids_of(taught, TAUGHT)}
rows = ids_of(tokenizer, TEXTS)
versions = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "python": platform.python_version()}
path = ROOT / "tests/golden/clip-tokens.json"
content = {"command": "python tests/golden/scripts/clip_tokens.py", **versions, "texts": rows, "padded": padded, "learned": learned}
path.write_text(json.dumps(content, ensure_ascii=True) + "\n")
print(path.name, len(rows), path.stat().st_size, tokenizer("a cat")["input_ids"])
