// Makes a job of what a client asks for: checks it, and fixes its seed and every setting.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { NishikiError } from "../errors.js";
import { listImages, storedRequestSchema } from "../pipeline/index.js";
import { parse } from "../schema/index.js";
import { drawJobSchema, type Job, type JobLoad, type JobRequest, jobIdSchema } from "./api/index.js";
import type { Caller, CreatedJob } from "./application.js";
import type { ModelList } from "./catalogue/catalogue.js";
import { completeWork } from "./create-work.js";
import type { ProcessDrawer } from "./drawing/drawer.js";
import type { JobQueue, JobRecord, Library } from "./parts.js";
import { type ChosenModel, readPromptForModel } from "./read-prompt.js";

export interface JobMakerParts {
  readonly queue: JobQueue;
  readonly library: Library;
  readonly models: ModelList;
  readonly drawer: ProcessDrawer;
}

export class JobMaker {
  readonly #parts: JobMakerParts;
  /** The ids that are being created: a second request with one of them waits for the first. */
  readonly #creating = new Map<string, Promise<unknown>>();

  constructor(parts: JobMakerParts) {
    this.#parts = parts;
  }

  /** @throws NishikiError "usage", "conflict" and what opening the model throws */
  async create(request: JobRequest, caller: Caller, id: string = randomUUID()): Promise<CreatedJob> {
    parse(jobIdSchema, id, { name: "the id", noun: "field" });
    const earlier = this.#creating.get(id) ?? Promise.resolve();
    const created = earlier.catch(() => {}).then(() => this.#create(request, caller, id));
    this.#creating.set(id, created);
    try {
      return await created;
    } finally {
      if (this.#creating.get(id) === created) this.#creating.delete(id);
    }
  }

  async #create(request: JobRequest, { owner }: Caller, id: string): Promise<CreatedJob> {
    const { queue } = this.#parts;
    const known = await queue.get(id);
    const record = await this.#complete(request, owner, id, known);
    if (known) return { job: requireSame(known, record), isNew: false };
    const { job, isNew } = await queue.create(record);
    if (isNew) return { job, isNew };
    // Another server was faster.
    return { job: requireSame(job, await this.#complete(request, owner, id, job)), isNew };
  }

  /** @param known A job with the same id: seeds that the request leaves open are compared as that job drew them. */
  async #complete(request: JobRequest, owner: string, id: string, known?: Job): Promise<JobRecord> {
    const kind = (request as { readonly kind?: unknown } | null)?.kind ?? "draw";
    if (kind !== "draw") {
      const work = await completeWork(request, this.#parts, known !== undefined);
      const { name: modelName } = (await this.#parts.models.find(work.model))!;
      return { id, owner, load: {}, modelName, ...work, created: new Date().toISOString() };
    }
    const checked = parse(drawJobSchema, request, { name: "the job", noun: "field" });
    const { models, drawer } = this.#parts;
    const model = checked.model ?? models.default;
    const load: JobLoad = checked.load ?? {};
    await models.resolve(model, load);
    const found = (await models.find(model))!;
    // As it was given: defaults that the check fills in would win over the prompt's parameters.
    const given = (request as { readonly request: { readonly prompt: string } }).request;
    const read = checked.readParameters
      ? await withParameters(given, { id: model, found, load }, drawer)
      : { request: checked.request, notices: [] };
    const asked = known ? withSeeds(read.request, known.request) : read.request;
    const images = await this.readImages(asked);
    const { request: completed, notices } = await drawer.complete(model, load, asked, images);
    const warnings = [...new Set([...read.notices, ...notices])];
    return {
      id,
      kind: "draw",
      owner,
      priority: checked.priority,
      group: checked.group ?? null,
      labels: checked.labels ?? {},
      model,
      modelName: found.name,
      request: completed,
      load,
      parent: checked.parent ?? null,
      ...(checked.partials && { partials: checked.partials }),
      ...(warnings.length > 0 && { warnings }),
      created: new Date().toISOString(),
    };
  }

  /** The files of the images that a request names by their ids. @throws NishikiError "usage" */
  async readImages(request: Readonly<Record<string, unknown>>): Promise<Map<string, Uint8Array>> {
    const images = new Map<string, Uint8Array>();
    for (const [path, id] of (await listImages(storedRequestSchema, request)) as Map<string, string>) {
      const file = await this.#parts.library.file(id);
      if (!file) throw new NishikiError("usage", `${path}: there is no stored image with the id ${id}.`);
      images.set(id, file.bytes);
    }
    return images;
  }
}

type Settings = Readonly<Record<string, unknown>>;

/** The request with what its prompt's parameters ask for, and what is done differently here. */
async function withParameters(
  { prompt, ...given }: { readonly prompt: string } & Settings,
  model: ChosenModel,
  drawer: ProcessDrawer,
): Promise<{ readonly request: Settings; readonly notices: readonly string[] }> {
  const { requests, notices, faults } = await readPromptForModel(model, prompt, {}, drawer);
  const several = `The prompt asks for ${requests.length} drawings, and a job is one. POST /prompts lists them`;
  const all = requests.length > 1 ? [...faults, `${several}: create a job of each.`] : faults;
  if (all.length > 0) throw new NishikiError("usage", all.join("\n"));
  return { request: { ...requests[0], ...dropUndefined(given) }, notices };
}

/** The request with the seeds that an earlier, equal request was given. */
function withSeeds(request: Settings, earlier: Settings): Settings {
  const seeded = { seed: earlier.seed, ...dropUndefined(request) };
  const { variation } = request as { readonly variation?: Settings };
  if (!variation) return seeded;
  const { seed } = (earlier.variation ?? {}) as Settings;
  return { ...seeded, variation: { ...(seed !== undefined && { seed }), ...dropUndefined(variation) } };
}

const dropUndefined = (settings: Settings) =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

/** What makes two requests with one id the same. Priority may have changed since, and who repeats a request may differ. */
const compared = ["kind", "model", "request", "load", "parent", "group", "labels"] as const;

function requireSame(job: Job, record: JobRecord): Job {
  const different = compared.filter((name) => !isDeepStrictEqual(plain(job[name]), plain(record[name])));
  if (different.length === 0) return job;
  throw new NishikiError(
    "conflict",
    `The job ${job.id} exists already with another ${different.join(" and another ")}; choose a new id.`,
  );
}

/** As the queue gives it back. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
