// A run's images as an ordered stream from any source. Image n is always the same.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readTextFile } from "../checkpoint/node.js";
import {
  type CaptionedImage,
  type CaptionedImages,
  loadSprites,
  openFolder,
  type SetName,
  type Sprites,
  type StyleName,
  sceneSize,
  scenes,
  setsOf,
} from "../data/index.js";
import { NishikiError } from "../errors.js";
import type { DataConfig, ScenesConfig } from "./data-config.js";
import type { Settings } from "./fingerprint.js";

/** A source of captioned images. */
export interface ImageSource {
  /** Side in pixels. */
  readonly size: number;
  /** Number of different images; infinite for scenes. */
  readonly count: number;
  /** Settings that determine the images, independent of where files lie. */
  readonly settings: Settings;
  /** Skipped files and the reasons. */
  readonly problems: readonly string[];
  /** Images `from`, `from + 1`, …; leaving the loop releases all resources. */
  stream(seed: number, from: number): AsyncGenerator<CaptionedImage, void, undefined>;
  /** A few images for sample sheets: scenes absent from training, or the first of a folder. */
  samples(count: number): Promise<readonly CaptionedImage[]>;
}

/**
 * Opens the data of a config. Decodes every image of a folder once, to find broken files before training.
 * @throws NishikiError "file", "data", "aborted"
 */
export async function openImages(
  data: DataConfig,
  options: { readonly signal?: AbortSignal; onProgress?(done: number, total: number): void } = {},
): Promise<ImageSource> {
  if ("scenes" in data) return openScenes(data.scenes);
  const images = await openFolder(data.folder, { size: data.size, ...options });
  if (images.entries.length === 0) {
    const first = images.problems[0];
    const reason = first ? `${first.file}: ${first.reason}` : "there are no png, jpg or webp files";
    throw new NishikiError("data", `The folder ${data.folder} has no usable captioned images: ${reason}.`);
  }
  return folderSource(images);
}

function folderSource(images: CaptionedImages): ImageSource {
  const digest = sha256(images.entries.map(({ file, caption }) => `${file}\n${caption}`).join("\n"));
  return {
    size: images.size,
    count: images.entries.length,
    settings: { images: images.entries.length, captions: digest, size: images.size },
    problems: images.problems.map(({ file, reason }) => `${file} ${reason}`),
    stream: (seed, from) => images.images({ seed, from }),
    samples: (count) => Promise.all(images.entries.slice(0, count).map((_, index) => images.read(index))),
  };
}

/** A seed above every run's, so that samples are absent from training. */
const sampleSeed = Number.MAX_SAFE_INTEGER;

async function openScenes({ sprites: folder, mix, workers, size }: ScenesConfig): Promise<ImageSource> {
  const styles = Object.entries(mix.styles).filter(([, weight]) => weight > 0);
  const sets = [...new Set(styles.flatMap(([name]) => setsOf(name as StyleName, mix)))];
  const sprites = await loadBuilt(folder, sets);
  const index = await readTextFile(join(folder, "sprites.json"));
  return {
    size,
    count: Number.POSITIVE_INFINITY,
    settings: { mix, sprites: sha256(index), ...(size !== sceneSize && { size }) },
    problems: [],
    stream: (seed, from) => scenes({ seed, from, workers, options: mix, sprites, size }),
    samples: async (count) => {
      const images: CaptionedImage[] = [];
      const drawing = scenes({ seed: sampleSeed, count, workers: 0, options: mix, sprites, size });
      for await (const scene of drawing) images.push(scene);
      return images;
    },
  };
}

/** Loads the sets that the styles use and the folder has: a style needs one of its sets, not all. */
async function loadBuilt(folder: string, sets: readonly SetName[]): Promise<Sprites> {
  const index = await loadSprites(folder, []);
  const built = index.shared.index.sets.map(({ name }) => name);
  return loadSprites(
    folder,
    built.filter((name) => sets.includes(name)),
  );
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/**
 * Batches by number, read from a stream. In order, it reads on; for any other number, it restarts the stream
 * there.
 */
export class ImageBatches {
  readonly #open: (from: number) => AsyncGenerator<CaptionedImage, void, undefined>;
  readonly #size: number;
  #stream: AsyncGenerator<CaptionedImage, void, undefined> | undefined;
  /** Number of the stream's next batch. */
  #next = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(open: (from: number) => AsyncGenerator<CaptionedImage, void, undefined>, size: number) {
    this.#open = open;
    this.#size = size;
  }

  /** Images `step · size` to `(step + 1) · size − 1`. */
  get(step: number): Promise<readonly CaptionedImage[]> {
    const answer = this.#queue.then(() => this.#read(step));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the stream and its drawing threads. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#end();
  }

  async #read(step: number): Promise<readonly CaptionedImage[]> {
    if (!this.#stream || step !== this.#next) {
      await this.#end();
      this.#stream = this.#open(step * this.#size);
    }
    this.#next = step + 1;
    const images: CaptionedImage[] = [];
    try {
      while (images.length < this.#size) {
        const { value, done } = await this.#stream.next();
        if (done) throw new NishikiError("data", "The source ran out of images.");
        images.push(value);
      }
    } catch (error) {
      this.#stream = undefined; // a stream that threw is over
      throw error;
    }
    return images;
  }

  async #end(): Promise<void> {
    await this.#stream?.return();
    this.#stream = undefined;
  }
}
