// Building blocks of network-size schemas. The limits are far beyond any existing network: they stop a faulty
// file from causing minutes of work.
import { wholeNumber, z } from "../schema/index.js";

/** Channels, pixels of a side, rows of a table. */
export const size = wholeNumber(1, 1 << 20);

/** Repetitions: blocks, layers. */
export const repeats = wholeNumber(0, 200);

/** The block types of one part of a network, in order. */
export const stageList = <const T extends readonly [string, ...string[]]>(kinds: T) =>
  z.array(z.enum(kinds)).max(200).readonly();

export const pairOf = <T extends z.ZodType>(schema: T) => z.tuple([schema, schema]).readonly();
export const tripleOf = <T extends z.ZodType>(schema: T) => z.tuple([schema, schema, schema]).readonly();
