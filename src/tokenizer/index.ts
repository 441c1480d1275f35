export {
  type ClipTokenizer,
  type ClipTokenizerFiles,
  clipVocabulary,
  makeClipTokenizer,
  parseMerges,
} from "./clip-tokenizer.js";
export { encodeT5, makeT5Tokenizer, type T5Batch, type T5Tokenizer } from "./t5-tokenizer.js";
export {
  type EncodedBatch,
  type Encoding,
  makeTokenizer,
  type Tokenizer,
  type TokenizerConfig,
  type Word,
} from "./tokenizer.js";
