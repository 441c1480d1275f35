// For tests: a folder of small captioned images, the same whenever it is made.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodePng } from "../../src/image/index.js";
import { random } from "../../src/random/index.js";

const colours = {
  red: [220, 40, 30],
  green: [40, 160, 70],
  blue: [40, 70, 200],
  yellow: [240, 210, 40],
} as const;
const names = Object.keys(colours) as (keyof typeof colours)[];

/** Image n: a coloured square on a coloured ground, both chosen by n. Captions lie beside as text files. */
export async function writeImages(folder: string, count: number, size: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < count; n++) {
    const numbers = random(0, "test picture", n);
    const [thing, ground] = [numbers.pick(names), numbers.pick(names)];
    const half = size / 2;
    const [left, top] = [numbers.integer(half), numbers.integer(half)];
    const data = new Uint8Array(size * size * 3);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const inside = x >= left && x < left + half && y >= top && y < top + half;
        data.set(colours[inside ? thing : ground], (y * size + x) * 3);
      }
    }
    const name = `picture-${String(n).padStart(3, "0")}`;
    await writeFile(join(folder, `${name}.png`), encodePng({ width: size, height: size, channels: 3, data }));
    await writeFile(join(folder, `${name}.txt`), `a ${thing} square on ${ground}`);
  }
}
