// CLIP's tokenizer (Radford et al. 2021, section 2.4): byte-pair encoding of lower-cased words, with "</w>" at their ends.
// Published models hold it as vocab.json and merges.txt; its rules are those of transformers' CLIPTokenizer.
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { NishikiError } from "../errors.js";

/** What is used of the library, whose own declarations do not resolve in an ES module. */
interface Library {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
}

export interface ClipTokenizerFiles {
  /** The content of vocab.json: the id of every piece. */
  readonly vocabulary: Readonly<Record<string, number>>;
  /** The lines of merges.txt without the first, which names a version. */
  readonly merges: readonly string[];
  /** What fills short texts: "<|endoftext|>" in SD 1.x, "!" in 2.x and in XL's second encoder. */
  readonly padToken?: string;
}

export interface ClipTokenizer {
  readonly start: number;
  readonly end: number;
  readonly pad: number;
  /** Ids without those at a text's ends, however many. */
  encode(text: string): readonly number[];
}

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";

// Words, single digits, and runs of anything else that is no white space.
const pieces =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

function describe({ vocabulary, merges }: ClipTokenizerFiles): object {
  const special = [startToken, endToken].map((content) => ({
    id: vocabulary[content],
    content,
    special: true,
    normalized: true,
    lstrip: false,
    rstrip: false,
    single_word: false,
  }));
  return {
    added_tokens: special,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pieces }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      unk_token: endToken,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: vocabulary,
      merges,
    },
  };
}

/** @throws NishikiError "checkpoint" where files are not those of such a tokenizer. */
export function makeClipTokenizer(files: ClipTokenizerFiles): ClipTokenizer {
  const { vocabulary, padToken = endToken } = files;
  const idOf = (token: string) => {
    const id = vocabulary[token];
    if (Number.isSafeInteger(id)) return id!;
    throw new NishikiError("checkpoint", `CLIP's vocabulary has no token "${token}".`);
  };
  const [start, end, pad] = [startToken, endToken, padToken].map(idOf) as [number, number, number];
  let library: Library;
  try {
    library = new LibraryTokenizer(describe(files), {});
    library.encode("a", { add_special_tokens: false });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NishikiError("checkpoint", `CLIP's vocabulary or merges cannot be used: ${reason}.`, { cause });
  }
  return { start, end, pad, encode: (text) => library.encode(text, { add_special_tokens: false }).ids };
}
