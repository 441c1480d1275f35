// The normalisation that SentencePiece compiles into its models: a table from byte sequences to their replacements, such as
// NFKC with spaces of all kinds made plain (Kudo and Richardson 2018, arXiv:1808.06226, section 3.3). The table is a trie as a
// double array (the layout of darts-clone), and the replacements as strings that end with a zero.
import { NishikiError } from "../errors.js";

/** Replaces parts of a text. */
export type Normalize = (text: string) => string;

// The layout of a unit of the double array, 32 bits.
const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1;
const getLabel = (unit: number) => unit & 0x8000_00ff;
const getOffset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const getValue = (unit: number) => unit & 0x7fff_ffff;

/** Longer clusters are looked up character by character; the rule of the Rust library that transformers calls. */
const longestCluster = 5;

/**
 * Reads a compiled table. Like transformers, it looks up each grapheme cluster, takes the shortest entry that begins it, and looks
 * up longer clusters by characters; SentencePiece itself takes the longest entry at each position. They differ only where a mark
 * follows a character that has an entry of its own.
 * @throws NishikiError "checkpoint" if it is damaged
 */
export function readCharsmap(bytes: Uint8Array): Normalize {
  const { units, texts } = splitTable(bytes);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const known = new Map<string, string | undefined>();
  const lookUp = (part: string): string | undefined => {
    if (known.has(part)) return known.get(part);
    const at = findFirst(units, encoder.encode(part));
    const end = at === undefined ? -1 : texts.indexOf(0, at);
    const replacement =
      at === undefined ? undefined : decoder.decode(texts.subarray(at, end < 0 ? undefined : end));
    known.set(part, replacement);
    return replacement;
  };
  const clusters = new Intl.Segmenter("und", { granularity: "grapheme" });
  const replaceCluster = (cluster: string) => {
    const whole = encoder.encode(cluster).length <= longestCluster ? lookUp(cluster) : undefined;
    return whole ?? Array.from(cluster, (character) => lookUp(character) ?? character).join("");
  };
  return (text) => Array.from(clusters.segment(text), ({ segment }) => replaceCluster(segment)).join("");
}

function splitTable(bytes: Uint8Array): { readonly units: Uint32Array; readonly texts: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < 4 ? -1 : view.getUint32(0, true);
  if (size < 4 || size % 4 !== 0 || size > bytes.length - 4) {
    const message = `The tokenizer is damaged: its table of characters has ${bytes.length} bytes, of which a trie of ${size}.`;
    throw new NishikiError("checkpoint", `${message} Download it again.`);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { units, texts: bytes.subarray(4 + size) };
}

/** The value of the shortest entry that begins with these bytes. */
function findFirst(units: Uint32Array, key: Uint8Array): number | undefined {
  let at = getOffset(units[0]!);
  for (const byte of key) {
    at = (at ^ byte) >>> 0;
    const unit = units[at];
    if (unit === undefined || getLabel(unit) !== byte) return undefined;
    at = (at ^ getOffset(unit)) >>> 0;
    const leaf = units[at];
    if (hasLeaf(unit)) return leaf === undefined ? undefined : getValue(leaf);
  }
  return undefined;
}
