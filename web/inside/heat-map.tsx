// A map over the picture, as a spotlight: what it says nothing about is dimmed. That needs no colours to tell apart.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { ByteMap } from "../../src/inspect/index.js";

/** The values of a map, 0 to its largest. */
export function readMap({ data, most }: ByteMap): Float32Array {
  const text = atob(data);
  return Float32Array.from({ length: text.length }, (_, i) => (text.charCodeAt(i) / 255) * most);
}

/** The value of a map at a place, x and y from 0 to 1. */
export function valueAt(map: ByteMap, x: number, y: number): number {
  const column = Math.min(map.width - 1, Math.floor(x * map.width));
  const row = Math.min(map.height - 1, Math.floor(y * map.height));
  return readMap(map)[row * map.width + column] ?? 0;
}

export function Spotlight({ map, label }: { readonly map: ByteMap; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const pixels = context.createImageData(map.width, map.height);
    const values = readMap(map);
    values.forEach((value, i) => {
      const bright = map.most === 0 ? 0 : value / map.most;
      pixels.data[i * 4 + 3] = Math.round(225 * (1 - bright) ** 1.3);
    });
    context.putImageData(pixels, 0, 0);
  }, [map]);
  return (
    <canvas
      ref={canvas}
      class="inside-spotlight"
      width={map.width}
      height={map.height}
      role="img"
      aria-label={label}
    />
  );
}
