// Reads SentencePiece's model files (`spiece.model`), a protobuf message. Field numbers: sentencepiece_model.proto
// (https://github.com/google/sentencepiece).
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { NishikiError } from "../errors.js";

/** What a piece is; the numbers are those of the file. */
const kinds = { 1: "normal", 2: "unknown", 3: "control", 4: "user", 5: "unused", 6: "byte" } as const;

export interface Piece {
  readonly text: string;
  /** Its log probability. */
  readonly score: number;
  readonly kind: (typeof kinds)[keyof typeof kinds];
}

export interface SentencePieceModel {
  /** In the order of their ids. */
  readonly pieces: readonly Piece[];
  readonly type: "unigram" | "bpe" | "other";
  /** The compiled normalisation; empty where there is none. */
  readonly charsmap: Uint8Array;
}

type Reader = InstanceType<typeof BinaryReader>;

/** Calls `take` for each field of a message; it reads the field, or returns false to skip it. */
function readFields(reader: Reader, end: number, take: (field: number) => boolean): void {
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (!take(field)) reader.skip(wireType);
  }
}

function readMessage(reader: Reader, take: (field: number) => boolean): void {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError("a message ends beyond the file");
  readFields(reader, end, take);
}

function readPiece(reader: Reader): Piece {
  let [text, score, kind] = ["", 0, 1];
  readMessage(reader, (field) => {
    if (field === 1) text = reader.string();
    else if (field === 2) score = reader.float();
    else if (field === 3) kind = reader.int32();
    else return false;
    return true;
  });
  return { text, score, kind: kinds[kind as keyof typeof kinds] ?? "unused" };
}

function readModel(bytes: Uint8Array): SentencePieceModel {
  const reader = new BinaryReader(bytes);
  const pieces: Piece[] = [];
  let type = 1;
  let charsmap: Uint8Array = new Uint8Array(0);
  readFields(reader, reader.len, (field) => {
    if (field === 1) pieces.push(readPiece(reader));
    else if (field === 2)
      readMessage(reader, (inner) => {
        if (inner !== 3) return false;
        type = reader.int32();
        return true;
      });
    else if (field === 3)
      readMessage(reader, (inner) => {
        if (inner !== 2) return false;
        charsmap = reader.bytes();
        return true;
      });
    else return false;
    return true;
  });
  return { pieces, type: type === 1 ? "unigram" : type === 2 ? "bpe" : "other", charsmap };
}

/**
 * Reads a model.
 * @param path The file's name in error messages.
 * @throws NishikiError "checkpoint" if it is not one
 */
export function readSentencePiece(bytes: Uint8Array, path: string): SentencePieceModel {
  const fail = (reason: string, cause?: unknown): never => {
    throw new NishikiError("checkpoint", `${path} cannot be used: ${reason}. Download it again.`, { cause });
  };
  try {
    const model = readModel(bytes);
    if (model.pieces.length > 0) return model;
  } catch (error) {
    return fail("it is not a SentencePiece model, or is damaged", error);
  }
  return fail("it is not a SentencePiece model: it has no pieces");
}
