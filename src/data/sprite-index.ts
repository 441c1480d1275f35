// The index of a folder of sprites. It names the pixel files with their hashes and is replaced last,
// atomically; other files in the folder are ignored.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { nonEmptyText, parse, wholeNumber, z } from "../schema/index.js";
import { spriteSets } from "./sprite-sets.js";

/** Name of the index inside a folder of sprites. */
export const indexFile = "sprites.json";

/** Maximum side of a sprite in pixels. */
export const MAX_SPRITE_SIDE = 384;

const setName = z.enum(spriteSets.map(({ name }) => name));

const fileName = z
  .string()
  .regex(/^[\w-]+\.rgba$/)
  .meta({ expected: "the name of an .rgba file in the folder" });

const spriteSetEntry = z.strictObject({
  name: setName,
  file: fileName.meta({ description: "file of raw RGBA beside the index" }),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .meta({
      expected: "64 hexadecimal digits",
      description: "of that file; folders of earlier versions have none",
    }),
  packageName: nonEmptyText,
  packageVersion: nonEmptyText,
  licence: nonEmptyText,
  attribution: nonEmptyText,
});

const spriteEntry = z.strictObject({
  thing: nonEmptyText,
  set: setName,
  codePoint: nonEmptyText,
  width: wholeNumber(1, MAX_SPRITE_SIDE),
  height: wholeNumber(1, MAX_SPRITE_SIDE),
  offset: wholeNumber(0),
});

const spriteIndex = z.strictObject({
  version: z.literal(1),
  size: wholeNumber(1, MAX_SPRITE_SIDE).meta({ description: "longest side of any sprite, in pixels" }),
  sets: z.array(spriteSetEntry),
  sprites: z.array(spriteEntry),
});

/** A set in the index: the origin of its drawings and their licence. */
export type SpriteSetEntry = Readonly<z.infer<typeof spriteSetEntry>>;

/**
 * One sprite: `width × height` RGBA bytes at `offset` of its set's file, where alpha is not multiplied in.
 */
export type SpriteEntry = Readonly<z.infer<typeof spriteEntry>>;

/** The content of the index file. */
export type SpriteIndex = Readonly<z.infer<typeof spriteIndex>>;

const cure = 'Build the sprites again: "nishiki data build".';

/**
 * Reads a folder's index, without pixels.
 *
 * @throws NishikiError `file` if it cannot be read, `data` if it is not an index of sprites
 */
export async function readSpriteIndex(folder: string): Promise<SpriteIndex> {
  const path = join(folder, indexFile);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const error = fileError(cause, `read ${path}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new NishikiError("file", `${reason} Build the sprites first: "nishiki data build".`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NishikiError("data", `${path} is not JSON. ${cure}`, { cause });
  }
  return parse(spriteIndex, value, { code: "data", name: "the index of sprites", prefix: `${path}: ` });
}

/** Expected length of a set's file in bytes. */
export function getSetLength({ sprites }: SpriteIndex, set: string): number {
  return sprites
    .filter((sprite) => sprite.set === set)
    .reduce((end, { offset, width, height }) => Math.max(end, offset + width * height * 4), 0);
}
