// What makes two requests equal: endpoint, sender and every field and file. Boundaries of forms, which are random, do not count.
import { createHash } from "node:crypto";
import type { Endpoint } from "./parameters.js";
import type { Body } from "./read-body.js";

export const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

/** The same text for the same value, whatever the order of its fields. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, canonical(inner)]);
}

/** @param sender Who sends the request: only a sender's own requests are taken for repetitions. */
export function getFingerprint(endpoint: Endpoint, sender: string, { fields, files }: Body): string {
  const images = [...files].map(([name, list]) => [name, list.map(sha256)]);
  return sha256(JSON.stringify([endpoint, sender, canonical(fields), canonical(Object.fromEntries(images))]));
}
