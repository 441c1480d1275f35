export {
  type ClipTokenizer,
  type ClipTokenizerFiles,
  clipVocabulary,
  makeClipTokenizer,
  parseMerges,
} from "./clip-tokenizer.js";
export {
  type EncodedBatch,
  type Encoding,
  makeTokenizer,
  type Tokenizer,
  type TokenizerConfig,
  type Word,
} from "./tokenizer.js";
