export {
  type EncodedBatch,
  type Encoding,
  makeTokenizer,
  type Tokenizer,
  type TokenizerConfig,
  type Word,
} from "./tokenizer.js";
