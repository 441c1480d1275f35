// The image library, loaded where an image is first decoded (node): its native part takes longer to load than all modules of
// a command that only draws.
import type Sharp from "sharp";

let loaded: Promise<typeof Sharp> | undefined;

export function loadSharp(): Promise<typeof Sharp> {
  loaded ??= import("sharp").then((library) => library.default);
  return loaded;
}
