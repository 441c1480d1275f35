// Values that several parts of the API share.
import { z } from "../../schema/index.js";

/** The version in the path of the native API: /api/v1. */
export const apiVersion = "v1";

/** A job's id, which the client may choose: creating a job with the same id again is the same job. */
export const jobIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .meta({ expected: "1 to 64 letters, digits, - and _" });

/** An image's id: the SHA-256 of its file, in hexadecimal digits. Uploaded and drawn images share these ids. */
export const imageIdSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ expected: "64 hexadecimal digits" });

/** A model's, LoRA's or embedding's id in the catalogue, such as "embedded" or "dreamshaper_8". Never a path. */
export const catalogueIdSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._+()[\]-]{0,199}$/u)
  .meta({ expected: "the id of a model, LoRA or embedding from the catalogue" });

/** Text of a client. Databases cannot hold NUL, nor UTF-8 halves of characters. */
export const textUpTo = (length: number) =>
  z
    .string()
    .max(length)
    .refine((text) => !/[\0\p{Surrogate}]/u.test(text))
    .meta({ expected: `text of at most ${length} characters, without NUL and halves of characters` });

/** As textUpTo, and not blank. */
export const wordsUpTo = (length: number) =>
  textUpTo(length)
    .refine((text) => text.trim() !== "")
    .meta({ expected: `text of 1 to ${length} characters, without NUL and halves of characters` });

/** A time in ISO 8601, UTC. */
export const timeSchema = z.iso.datetime();
