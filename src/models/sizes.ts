// What the sizes of networks are made of, as their schemas declare them. The limits are far beyond any network that exists: they
// keep a faulty file from being worked on for minutes.
import { wholeNumber, z } from "../schema/index.js";

/** Channels, pixels of a side, rows of a table. */
export const size = wholeNumber(1, 1 << 20);

/** How many times something is repeated: blocks, layers. */
export const repeats = wholeNumber(0, 200);

/** The kinds of blocks on a part of a network's way, in order. */
export const stageList = <const T extends readonly [string, ...string[]]>(kinds: T) =>
  z.array(z.enum(kinds)).max(200).readonly();

export const pairOf = <T extends z.ZodType>(schema: T) => z.tuple([schema, schema]).readonly();
export const tripleOf = <T extends z.ZodType>(schema: T) => z.tuple([schema, schema, schema]).readonly();
