// The user's marks: favourites and trash. A journal beside the images, so that marking one image writes one line.
import { writeFileAtomic } from "../../checkpoint/node.js";
import { appendJournal, readJournal } from "./journal.js";

export interface Marks {
  readonly favourite: boolean;
  /** When it was put in the trash, in ISO 8601. */
  readonly trashed: string | null;
}

/** Lines that repeat images, above which the journal is written anew at the start. */
const mostSuperfluous = 200;

const noMarks: Marks = { favourite: false, trashed: null };
const isTime = (value: unknown): value is string =>
  typeof value === "string" && Number.isFinite(Date.parse(value));

export class MarkJournal {
  readonly #path: string;
  readonly #marks = new Map<string, Marks>();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws NishikiError "file" */
  static async open(path: string): Promise<MarkJournal> {
    const journal = new MarkJournal(path);
    const lines = await readJournal(path);
    for (const { image, favourite, trashed } of lines) {
      if (typeof image !== "string") continue;
      const before = journal.get(image);
      journal.#keep(image, {
        favourite: typeof favourite === "boolean" ? favourite : before.favourite,
        trashed: isTime(trashed) ? trashed : trashed === null ? null : before.trashed,
      });
    }
    if (lines.length > journal.#marks.size + mostSuperfluous) await journal.#compact();
    return journal;
  }

  get(image: string): Marks {
    return this.#marks.get(image) ?? noMarks;
  }

  /** Images with marks. */
  entries(): Iterable<readonly [image: string, marks: Marks]> {
    return this.#marks.entries();
  }

  /** Changes the marks of images, on disk first. @throws NishikiError "file" */
  async set(images: readonly string[], change: Partial<Marks>): Promise<void> {
    const lines = images.map((image) => ({ image, ...change }));
    // One after the other: the order of the lines is the order of the changes.
    const written = this.#writing.then(() => appendJournal(this.#path, lines));
    this.#writing = written.catch(() => undefined);
    await written;
    for (const image of images) this.#keep(image, { ...this.get(image), ...change });
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  #keep(image: string, marks: Marks): void {
    if (marks.favourite || marks.trashed !== null) this.#marks.set(image, marks);
    else this.#marks.delete(image);
  }

  async #compact(): Promise<void> {
    const lines = [...this.#marks].map(([image, marks]) => `${JSON.stringify({ image, ...marks })}\n`);
    await writeFileAtomic(this.#path, lines.join(""));
  }
}
