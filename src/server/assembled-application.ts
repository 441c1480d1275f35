// The application over its parts. It adds to the queue's jobs what the library and the running work know of them, and makes
// events of every change.
import { NishikiError } from "../errors.js";
import { getRequestJsonSchema, ipAdapterSettings } from "../pipeline/index.js";
import type {
  Catalogue,
  ExplanationForecast,
  ExplanationForecastRequest,
  Forecast,
  ForecastRequest,
  ImageQuery,
  Job,
  JobPage,
  JobQuery,
  JobRequest,
  ModelInfo,
  Move,
  PlanRequest,
  PromptRequest,
  ServerEvent,
  StoredImage,
  TokensRequest,
} from "./api/index.js";
import { finalStates } from "./api/index.js";
import type { Application, Caller, CreatedJob, FileBytes, ReportForm } from "./application.js";
import { Models } from "./catalogue/models.js";
import type { Speeds } from "./catalogue/speeds.js";
import { JobMaker, type JobMakerParts } from "./create-job.js";
import { completeExplanation } from "./create-work.js";
import type { ServerDatabase } from "./database/index.js";
import { EventHub, type EventsOptions } from "./events/hub.js";
import { getImageIds } from "./job-images.js";
import { LiveWork } from "./live-work.js";
import { getCapabilities } from "./node-capabilities.js";
import type { QueueChange, WorkEvent, Worker } from "./parts.js";
import { readPromptForModel } from "./read-prompt.js";
import { readReport } from "./training/report.js";
import type { ExplainAmounts } from "./training/tasks.js";

export interface ApplicationParts extends JobMakerParts {
  /** The library's folder. */
  readonly folder: string;
  readonly database: Pick<ServerDatabase, "close" | "lock">;
  readonly speeds: Speeds;
}

export class AssembledApplication implements Application {
  readonly #parts: ApplicationParts;
  readonly #models: Models;
  readonly #maker: JobMaker;
  readonly #live = new LiveWork();
  readonly #hub: EventHub;
  /** Jobs that report now, as they were when they began. */
  readonly #running = new Map<string, Job>();
  #stopWork: (() => Promise<void>) | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: ApplicationParts) {
    const { models: list, drawer, speeds } = parts;
    this.#parts = parts;
    this.#models = new Models({ list, drawer, speeds, onChange: () => this.modelsChanged() });
    this.#maker = new JobMaker(parts);
    this.#hub = new EventHub({ state: (job) => this.#repeatState(job) });
    parts.queue.onChange((change) => this.#take(change));
  }

  /** Starts drawing in this process's own worker. */
  start(worker: Worker): void {
    this.#stopWork = this.#parts.queue.work(worker);
  }

  /** Models were loaded, freed or found. */
  modelsChanged(): void {
    if (this.#closed) return;
    void this.#models.list().then(
      (models) => this.#hub.publish({ kind: "models", models }),
      () => {}, // The next change tells of this one too.
    );
  }

  /** An image was found in the folder, or deleted from the trash by time. */
  libraryChanged(change: { readonly image: StoredImage } | { readonly gone: string }): void {
    if ("gone" in change) this.#hub.publish({ kind: "image-gone", image: change.gone });
    else this.#hub.publish({ kind: "image", job: change.image.job, image: change.image });
  }

  capabilities() {
    return getCapabilities();
  }

  catalogue(): Promise<Catalogue> {
    return this.#models.catalogue();
  }

  refreshCatalogue() {
    return this.#models.refresh();
  }

  loadModel(id: string): Promise<ModelInfo | undefined> {
    return this.#models.load(id);
  }

  unloadModel(id?: string): Promise<void> {
    return this.#models.unload(id);
  }

  async requestSchema(model: string = this.#parts.models.default, ipAdapter?: string) {
    const found = await this.#parts.models.find(model);
    if (!found?.known) return undefined;
    const { facts, context } = found.known;
    const more = ipAdapter !== undefined && facts.loadOptions.includes("ipAdapter") ? ipAdapterSettings : [];
    return getRequestJsonSchema({ ...context, takes: [...context.takes, ...more] });
  }

  async readPrompt({ prompt, model = this.#parts.models.default, load, count, seed }: PromptRequest) {
    const { models, drawer } = this.#parts;
    const found = await models.find(model);
    return found && readPromptForModel({ id: model, found, load }, prompt, { count, seed }, drawer);
  }

  async planPrompt({ model = this.#parts.models.default, prompt, plan }: PlanRequest) {
    if (!(await this.#parts.models.find(model))) return undefined;
    return { planned: (await this.#parts.drawer.plan(model, plan ?? prompt)) ?? null };
  }

  async countTokens({ model = this.#parts.models.default, load = {}, prompt }: TokensRequest) {
    if (!(await this.#parts.models.find(model))) return undefined;
    const count = await this.#parts.drawer.tokens(model, load, prompt);
    return count ?? { tokens: null, parts: null, room: null };
  }

  async forecast({
    model = this.#parts.models.default,
    load = {},
    request,
  }: ForecastRequest): Promise<Forecast | undefined> {
    if (!(await this.#parts.models.find(model))) return undefined;
    const images = await this.#maker.readImages(request);
    const outlook = await this.#parts.drawer.forecast(model, load, request, images);
    return { forecast: outlook ? { ...outlook, advice: outlook.advice ?? null } : null };
  }

  async forecastExplanation(request: ExplanationForecastRequest): Promise<ExplanationForecast> {
    const work = await completeExplanation(request, this.#parts);
    const { request: drawn, ...amounts } = work.request as {
      readonly request: Readonly<Record<string, unknown>>;
    };
    const images = await this.#maker.readImages(drawn);
    const price = await this.#parts.drawer.priceExplanation(work.model, work.load ?? {}, {
      ...{ request: drawn, images },
      amounts: amounts as unknown as ExplainAmounts,
    });
    return { forecast: price ? { ...price, panels: [...price.panels] } : null };
  }

  async createJob(request: JobRequest, caller: Caller, id?: string): Promise<CreatedJob> {
    const { job, isNew } = await this.#maker.create(request, caller, id);
    return { job: await this.#complete(job), isNew };
  }

  async job(id: string) {
    return this.#completeIf(await this.#parts.queue.get(id));
  }

  async jobs(query: JobQuery): Promise<JobPage> {
    const { jobs, ...page } = await this.#parts.queue.list(query);
    return { ...page, jobs: await Promise.all(jobs.map((job) => this.#complete(job))) };
  }

  async cancelJob(id: string) {
    return this.#completeIf(await this.#parts.queue.cancel(id));
  }

  cancelJobs(filter?: { readonly group?: string; readonly owner?: string }) {
    return this.#parts.queue.cancelAll(filter);
  }

  async skipImage(id: string) {
    return this.#completeIf(await this.#parts.queue.skip(id));
  }

  async pauseJob(id: string) {
    return this.#completeIf(await this.#parts.queue.pause(id));
  }

  async resumeJob(id: string) {
    return this.#completeIf(await this.#parts.queue.resume(id));
  }

  async moveJob(id: string, move: Move) {
    return this.#completeIf(await this.#parts.queue.move(id, move));
  }

  pauseQueue(paused: boolean) {
    return this.#parts.queue.pauseAll(paused);
  }

  async report(id: string, as?: ReportForm) {
    const job = await this.#parts.queue.get(id);
    return job && readReport(this.#parts.folder, job, as);
  }

  async preview(job: string, number?: number): Promise<FileBytes | undefined> {
    const bytes = this.#live.preview(job, number);
    return bytes && { bytes, type: "image/webp" };
  }

  async finding(job: string, number: number) {
    return this.#live.finding(job, number);
  }

  events(options: EventsOptions) {
    if (options.job === undefined) void this.#warmUp().catch(() => {}); // The first job loads it, too.
    return this.#hub.subscribe(options);
  }

  /** Whoever looks at everything is about to draw: the embedded model is loaded while they type. */
  async #warmUp(): Promise<void> {
    const { queue, drawer, models } = this.#parts;
    if (!this.#stopWork || drawer.loaded().length > 0) return;
    const [newest] = (await queue.list({ limit: 1 })).jobs;
    if (newest === undefined || newest.model === models.default) await drawer.load(models.default);
  }

  images(query: ImageQuery) {
    return this.#parts.library.images(query);
  }

  image(id: string) {
    return this.#parts.library.image(id);
  }

  imageFile(id: string) {
    return this.#parts.library.file(id);
  }

  thumbnail(id: string) {
    return this.#parts.library.thumbnail(id);
  }

  async markImage(id: string, marks: { readonly favourite?: boolean }) {
    const image = await this.#parts.library.mark(id, marks);
    if (image) this.#hub.publish({ kind: "image", job: image.job, image });
    return image;
  }

  async trashImages(ids: readonly string[], trashed: boolean) {
    const images = await this.#parts.library.trash(ids, trashed);
    for (const image of images) this.#hub.publish({ kind: "image", job: image.job, image });
    return images;
  }

  async emptyTrash() {
    const gone = await this.#parts.library.emptyTrash();
    for (const image of gone) this.#hub.publish({ kind: "image-gone", image });
    return gone.length;
  }

  upload(bytes: Uint8Array) {
    return this.#parts.library.upload(bytes);
  }

  async announce(url: string): Promise<void> {
    await this.#parts.database.lock?.setUrl(url);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { database, queue, library, drawer } = this.#parts;
    this.#hub.close();
    const stopped = this.#stopWork?.();
    await drawer.close();
    await stopped;
    await queue.close();
    await library.close();
    await database.close();
  }

  async #completeIf(job: Job | undefined) {
    return job && this.#complete(job);
  }

  /** The job with its images, and how far it is now. */
  async #complete(job: Job): Promise<Job> {
    // Most jobs of a long queue were never begun: they have no images to look for.
    const images = job.started === null ? [] : await this.#parts.library.imagesOfJob(job.id);
    const progress = job.state === "running" ? (this.#live.progress(job.id) ?? job.progress) : job.progress;
    return { ...job, images: [...images], progress };
  }

  async #take(change: QueueChange): Promise<void> {
    switch (change.kind) {
      case "job": {
        const job = await this.job(change.id);
        if (job?.state !== "running") {
          this.#models.forget(change.id);
          this.#running.delete(change.id);
        }
        if (job) this.#hub.publish({ kind: "job", job });
        return;
      }
      case "order":
        return this.#hub.publish(await this.#describeQueue());
      case "work":
        return this.#takeWork(change.id, change.event);
    }
  }

  async #takeWork(id: string, event: WorkEvent): Promise<void> {
    const job = this.#running.get(id) ?? (await this.#parts.queue.get(id));
    if (job) {
      this.#running.set(id, job);
      await this.#models.measure(job, event);
    }
    switch (event.kind) {
      case "progress": {
        const progress = this.#live.update(id, event.progress, event);
        return this.#hub.publish({ kind: "progress", job: id, progress });
      }
      case "warning":
        return this.#hub.publish({ kind: "warning", job: id, message: event.message });
      case "image":
        return this.#store(id, event.index, event.png);
    }
  }

  async #store(id: string, index: number, png: Uint8Array): Promise<void> {
    const { queue, library } = this.#parts;
    const job = await queue.get(id);
    if (!job) throw new NishikiError("internal", `The job ${id} of a finished image does not exist.`);
    const inputs = await getImageIds(job);
    const { model: modelId, parent, created } = job;
    const about = { job: id, index, parent, mask: inputs.get("inpaint.mask") ?? null, modelId, created };
    const image = await library.addDrawn(png, about);
    this.#hub.publish({ kind: "image", job: id, image });
  }

  async #describeQueue(): Promise<ServerEvent> {
    const { order, paused } = await this.#parts.queue.order();
    return { kind: "queue", paused, order: [...order] };
  }

  async #repeatState(job?: string): Promise<readonly ServerEvent[]> {
    if (job !== undefined) {
      const one = await this.job(job);
      return one ? [{ kind: "job", job: one }] : [];
    }
    const live = (["queued", "running", "paused"] as const).filter((state) => !finalStates.includes(state));
    const jobs: Job[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.jobs({ state: [...live], limit: 500, ...(cursor !== undefined && { cursor }) });
      jobs.push(...page.jobs);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    const models = await this.#models.list();
    return [
      ...jobs.reverse().map((one) => ({ kind: "job" as const, job: one })),
      await this.#describeQueue(),
      { kind: "models", models },
    ];
  }
}
