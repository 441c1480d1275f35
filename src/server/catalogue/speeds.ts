// How long images take on this machine, measured as they are drawn. Kept in a small file that may be lost.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import type { WorkEvent } from "../parts.js";

/** The share of the newest image in the average: the machine may have become faster or slower. */
const weight = 0.3;

export class Speeds {
  readonly #file: string;
  readonly #folder: string;
  readonly #seconds: Map<string, number>;
  /** When the image that a job draws was begun: its first step's end, without loading. */
  readonly #begun = new Map<string, { readonly at: number; readonly index: number }>();

  private constructor(folder: string, seconds: Map<string, number>) {
    this.#folder = folder;
    this.#file = join(folder, "speeds.json");
    this.#seconds = seconds;
  }

  static async open(folder: string): Promise<Speeds> {
    const text = await readFile(join(folder, "speeds.json"), "utf8").catch(() => "{}");
    const entries = Object.entries(parseObject(text)).filter(
      (entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] > 0,
    );
    return new Speeds(folder, new Map(entries));
  }

  get(model: string): number | undefined {
    return this.#seconds.get(model);
  }

  /** Takes the reports of a job. @param share What an image of this job is of a usual one: by steps and pixels. */
  take(job: string, model: string, event: WorkEvent, share: number): void {
    const now = performance.now();
    if (event.kind === "progress") {
      const { index, stage } = event.progress;
      const isWaiting = stage === "load" || stage === "wait";
      if (isWaiting || this.#begun.get(job)?.index !== index) this.#begun.set(job, { at: now, index });
    } else if (event.kind === "image") {
      const begun = this.#begun.get(job);
      if (begun?.index === event.index) this.#add(model, (now - begun.at) / 1000 / share);
      this.#begun.set(job, { at: now, index: event.index + 1 });
    }
  }

  /** A job ended. */
  forget(job: string): void {
    this.#begun.delete(job);
  }

  #add(model: string, seconds: number): void {
    const before = this.#seconds.get(model);
    const average = before === undefined ? seconds : before + weight * (seconds - before);
    this.#seconds.set(model, Number(average.toPrecision(4)));
    void this.#save();
  }

  async #save(): Promise<void> {
    try {
      await makeFolder(this.#folder);
      await writeFileAtomic(
        this.#file,
        Buffer.from(`${JSON.stringify(Object.fromEntries(this.#seconds))}\n`),
      );
    } catch {
      // Measured again after the next start.
    }
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
