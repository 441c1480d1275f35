// What enlarges images without a prompt.
import { NishikiError, unknownName } from "../../errors.js";
import { MAX_PIXELS } from "../../image/index.js";
import type { Capabilities } from "../api/index.js";

/** Listed in the capabilities; a job may ask for any factor from 1 to 8. */
export const upscalers: Capabilities["upscalers"] = [
  { name: "lanczos", label: "Lanczos", factors: [2, 4] },
  { name: "super-resolution", label: "Nishiki super-resolution", factors: [2, 4] },
];

/** A network's numbers take twelve times the memory of pixels, several times over. */
const mostNetworkPixels = 2 ** 24;

/** @throws NishikiError "usage" for an upscaler that is not known, or a result with too many pixels */
export function checkEnlargement(
  { width, height }: { readonly width: number; readonly height: number },
  { factor, upscaler }: { readonly factor: number; readonly upscaler: string },
): { readonly width: number; readonly height: number } {
  if (!upscalers.some(({ name }) => name === upscaler)) {
    const names = upscalers.map(({ name }) => name);
    throw unknownName("upscaler", upscaler, names);
  }
  const size = { width: Math.round(width * factor), height: Math.round(height * factor) };
  const limit = upscaler === "lanczos" ? MAX_PIXELS : mostNetworkPixels;
  if (size.width * size.height <= limit) return size;
  const cure = upscaler === "lanczos" ? "" : " Lanczos enlarges to 67 million.";
  throw new NishikiError(
    "usage",
    `factor: the enlarged image would have ${size.width}x${size.height} pixels; the limit is ${Math.floor(limit / 1e6)} million.${cure}`,
  );
}
