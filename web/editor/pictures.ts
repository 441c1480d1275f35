// Pictures for the canvas: loaded once, and shown when they are there.
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

const loaded = new Map<string, Signal<HTMLImageElement | null>>();
const mostKept = 24;

/** The picture of an address; null until it has arrived, and where it does not come. */
export function getPicture(url: string): ReadonlySignal<HTMLImageElement | null> {
  const known = loaded.get(url);
  if (known) return known;
  const result = signal<HTMLImageElement | null>(null);
  loaded.set(url, result);
  for (const old of [...loaded.keys()].slice(0, -mostKept)) loaded.delete(old);
  const picture = new Image();
  picture.src = url;
  picture.decode().then(
    () => {
      result.value = picture;
    },
    () => loaded.delete(url),
  );
  return result;
}
