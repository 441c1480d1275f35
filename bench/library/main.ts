// How fast the server's library answers: `npm run bench -- library --images 100000`. The rows are made up and have no files; they
// are as wide as real ones. Prints the median of each query in milliseconds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readImageQuery, type StoredImage } from "../../src/server/api/index.js";
import { openDatabase } from "../../src/server/database/index.js";
import { ImageIndex } from "../../src/server/library/image-index.js";
import { makeTables } from "../../src/server/library/index-tables.js";

const things = ["cat", "dog", "fox", "owl", "apple", "tree", "boat", "house", "car", "train", "star", "moon"];
const colours = ["red", "blue", "green", "yellow", "black", "white", "purple", "orange"];
const places = [
  "on a beach at sunset",
  "in a dark forest",
  "under the sea",
  "on a wooden table, studio light, sharp focus",
];

/** Spreads numbers evenly: the same for every run. */
const pick = <T>(list: readonly T[], index: number, salt: number): T =>
  list[(Math.imul(index + 1, 0x9e3779b1 + salt * 0x85ebca6b) >>> 8) % list.length]!;

function makeRow(index: number): { image: StoredImage; path: string; stamp: string } {
  const [a, b] = [0, 1].map((n) => `${pick(colours, index, n)} ${pick(things, index, n + 2)}`);
  const prompt = `a ${a} and a ${b} ${pick(places, index, 4)}`;
  const created = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
  const image: StoredImage = {
    id: index.toString(16).padStart(8, "0").repeat(8),
    job: `job-${index >> 2}`,
    index: index & 3,
    ...{
      prompt,
      negativePrompt: "blurry",
      seed: index,
      width: 512,
      height: 512,
      model: "nishiki 2",
      modelId: "embedded",
    },
    request: { prompt, steps: 24, guidance: 3, sampler: "euler", size: { width: 512, height: 512 } },
    ...{ load: {}, parent: null, mask: null, created, favourite: index % 50 === 0 },
    trashed: index % 100 === 7 ? created : null,
    ...{ bytes: 400_000, colour: "#123456" },
  };
  return { image, path: `images/${created.slice(0, 10)}/${index}.png`, stamp: "1 1" };
}

const queries: readonly object[] = [
  {},
  { search: "cat" },
  { search: "blue cat" },
  { search: '"blue cat"' },
  { search: "cat -dog" },
  { search: "purple ow" },
  { search: "zebra" },
  { search: "fav cat" },
  { search: "model:nishiki" },
  { search: "seed:77" },
  { search: "after:2026-01-03 before:2026-01-04" },
  { trash: true },
  { job: "job-50" },
];

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

async function measure(index: ImageIndex, row: ReturnType<typeof makeRow>): Promise<void> {
  for (const query of queries) {
    const times: number[] = [];
    let total = 0;
    for (let i = 0; i < 9; i++) {
      await index.put([row]); // forgets the totals
      const start = performance.now();
      ({ total } = await index.page(readImageQuery(query)));
      times.push(performance.now() - start);
    }
    console.log(
      `${JSON.stringify(query).padEnd(52)} ${median(times).toFixed(1).padStart(8)} ms  ${total} images`,
    );
  }
  const { next } = await index.page(readImageQuery({}));
  const times: number[] = [];
  for (let cursor = next; cursor !== null && times.length < 50; ) {
    const start = performance.now();
    cursor = (await index.page(readImageQuery({ cursor }))).next;
    times.push(performance.now() - start);
  }
  console.log(`${"scrolling, a page".padEnd(52)} ${median(times).toFixed(1).padStart(8)} ms`);
}

const { values } = parseArgs({ options: { images: { type: "string", default: "10000" } } });
const count = Number(values.images);
const folder = await mkdtemp(join(tmpdir(), "nishiki-bench-"));
const database = await openDatabase({ folder });
try {
  await makeTables(database, "nishiki");
  const index = new ImageIndex(database, "nishiki");
  const start = performance.now();
  for (let from = 0; from < count; from += 100) {
    const rows = Array.from({ length: Math.min(100, count - from) }, (_, i) => makeRow(from + i));
    await index.put(rows);
    await index.putJobImages(
      rows.map(({ image }) => ({ job: image.job!, index: image.index, image: image.id })),
    );
  }
  const each = (performance.now() - start) / count;
  console.log(`${`${count} images added, each`.padEnd(52)} ${each.toFixed(2).padStart(8)} ms`);
  await database.query("ANALYZE nishiki.images");
  await measure(index, makeRow(0));
} finally {
  await database.close();
  await rm(folder, { recursive: true, force: true });
}
