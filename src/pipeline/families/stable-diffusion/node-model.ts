// Stable Diffusion from its own files, into sessions on this machine's devices (node).
import { basename } from "node:path";
import {
  type ModelComponent,
  openAutoencoder,
  openStableDiffusion,
  type StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import type { WeightPlaces } from "../../../engine/index.js";
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { formatShape, type Program } from "../../../graph/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";
import { loadClipFolder, loadEmbeddedClip } from "../../../tokenizer/node.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { hashFiles, recordLoad } from "../../node-load-record.js";
import { adaptNetworks, type NetworkAdapters, openLoras } from "../../node-loras.js";
import type { PipelineParts } from "../../pipeline.js";
import type { RequestContext } from "../../request-context.js";
import { getTextOptions } from "./conditioning.js";
import { getDenoiserKey, makeStableDiffusion } from "./family.js";
import { readModel, type StableDiffusionModel } from "./model.js";
import { openEmbeddings, teach } from "./node-embeddings.js";
import { withPrecision } from "./node-precision.js";
import { pictureKeys } from "./pictures.js";
import { traceTextEncoder, traceUnet, unetForms } from "./programs.js";
import { makeShelf, type NetworkKey } from "./sessions.js";

/** A folder as diffusers lays it out, looked at but not loaded. @throws NishikiError "file", "checkpoint" */
export async function openStableDiffusionModel(
  path: string,
  machine: CompleteLoadOptions,
): Promise<{ readonly context: RequestContext; load(): Promise<PipelineParts> }> {
  checkHolding(machine);
  const files = await openFiles(path, machine);
  const preview =
    machine.previewVae === undefined ? undefined : await openAutoencoder(machine.previewVae, files.family);
  const encoders = [files.textEncoder, ...(files.textEncoder2 ? [files.textEncoder2] : [])];
  const model = readModel({
    name: files.name,
    unet: files.unet.config,
    vae: files.vae.config,
    ...(preview && { previewVae: preview.config }),
    textEncoders: encoders.map(({ config }) => config),
    scheduler: files.scheduler,
    zerosForEmptyPrompt: files.zerosForEmptyPrompt,
  });
  return { context: model.context, load: () => load(files, encoders, model, machine, preview) };
}

/** The model's files, with another autoencoder in place of its own where that is asked for. */
async function openFiles(
  path: string,
  { vae: folder, prediction }: CompleteLoadOptions,
): Promise<StableDiffusionFiles> {
  const files = withPrediction(await openStableDiffusion(path), prediction);
  if (folder === undefined) return files;
  const vae = await openAutoencoder(folder, files.family);
  const others = [...files.files].filter(([name]) => !name.startsWith("vae/"));
  const named = vae.files.map((file) => [`vae/${basename(file)}`, file] as const);
  const unknown = [...files.unknown, ...vae.unknown.map((name) => `${name} (of ${basename(folder)})`)];
  return { ...files, vae, files: new Map([...others, ...named]), unknown };
}

/** The model with what its denoiser predicts in place of what its files say. */
function withPrediction(
  files: StableDiffusionFiles,
  prediction: CompleteLoadOptions["prediction"],
): StableDiffusionFiles {
  if (prediction === undefined) return files;
  return { ...files, scheduler: { ...files.scheduler, prediction_type: prediction } };
}

async function load(
  published: StableDiffusionFiles,
  encoders: readonly ModelComponent[],
  model: StableDiffusionModel,
  options: CompleteLoadOptions,
  preview: ModelComponent | undefined,
): Promise<PipelineParts> {
  const { device, threads, lora, allowPartialLora, embedding, precision } = options;
  const files = await withPrecision(published, precision);
  const opened = await openLoras(lora ?? [], allowPartialLora);
  const textOptions = { ...getTextOptions(model), skip: 0 };
  const adapters = adaptNetworks(
    opened.loras,
    traceUnet(model.unet),
    model.textEncoders.map((config) => traceTextEncoder(config, textOptions)),
    allowPartialLora,
  );
  const learned = await openEmbeddings(embedding ?? []);
  const { tokenizers, vectors } = teach(learned.words, await readTokenizers(files), model.textEncoders);
  const networks = describeNetworks(files, encoders, model, { ...adapters, vectors }, preview);
  const engine = makeEngine({ device, threads });
  const source = {
    load: async ({ name, stage }: NetworkKey) => {
      const { program, places } = networks(name);
      // Measured on the CPU: a step takes a tenth longer, loading a tenth of the time, and memory is less than half. The
      // autoencoder has few weights and large pictures, which gain most from packed ones.
      const inPlace = engine.device === "cpu" && stage !== "pixels" && name !== pictureKeys.preview.name;
      return engine.load(program, { weights: places, inPlace });
    },
    open: (program: Program) => engine.load(program, { weights: files.vae.weights }),
  };
  const shelf = makeShelf(source, holdsOneStage(options, engine.device));
  // Gigabytes take seconds to hash, which go by beside the first steps.
  const stop = new AbortController();
  const embeddings = learned.words.map(({ file }) => file);
  const vae = options.vae === undefined ? undefined : getVaeFile(options.vae, files);
  const hash = async () => {
    const weights = await hashFiles(files.files, stop.signal);
    const added = { loras: opened.files, embeddings, ...(vae && { vae }) };
    return { weights, load: await recordLoad(options, added, stop.signal) };
  };
  const environment = hash().then((hashes) => readEnvironment(engine.device, hashes));
  environment.catch(() => {}); // told where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    await shelf.close();
    await engine.close();
  };
  const { unknown } = files;
  const ownNotices =
    unknown.length === 0
      ? []
      : [`${unknown.length} tensors of ${files.name} are not known and not used: ${shorten(unknown)}.`];
  const notices = [...ownNotices, ...files.hints, ...opened.notices, ...adapters.notices];
  const loaded = makeStableDiffusion(
    model,
    tokenizers,
    shelf,
    learned.words.map(({ word, file }) => ({ word, name: basename(file) })),
  );
  return { model: loaded, environment, close, notices };
}

function checkHolding({ lowMemory, keepLoaded }: CompleteLoadOptions): void {
  if (lowMemory && keepLoaded)
    throw new NishikiError("usage", "lowMemory and keepLoaded: expected at most one of them, got both.");
}

/**
 * Whether networks are held one stage after another. Weights that stay in their files are loaded in a few seconds, while a
 * picture takes minutes on a processor and the networks together almost twice the memory.
 */
function holdsOneStage(
  { lowMemory = false, keepLoaded = false }: CompleteLoadOptions,
  device: string,
): boolean {
  return !keepLoaded && (lowMemory || device === "cpu");
}

function shorten(names: readonly string[]): string {
  return names.slice(0, 8).join(", ") + (names.length > 8 ? ", …" : "");
}

interface Network {
  readonly program: Program;
  readonly places: WeightPlaces;
}

/** Networks by the names of their keys; their weights are checked against their programs before anything is loaded. */
function describeNetworks(
  { unet, vae }: StableDiffusionFiles,
  encoders: readonly ModelComponent[],
  model: StableDiffusionModel,
  { unet: { adapt }, texts, vectors }: NetworkAdapters & Pick<ReturnType<typeof teach>, "vectors">,
  preview: ModelComponent | undefined,
): (name: string) => Network {
  const denoisers = unetForms.flatMap((form) =>
    [false, true].map((wraps): [string, () => Network] => {
      const load = () => ({ program: traceUnet(model.unet, { wraps, adapt, form }), places: unet.weights });
      return [getDenoiserKey(form, wraps).name, load];
    }),
  );
  const plain: Readonly<Record<string, () => Network>> = {
    ...Object.fromEntries(denoisers),
    decoder: () => ({ program: model.autoencoder.traceDecoder(), places: vae.weights }),
    "tiling decoder": () => ({
      program: model.autoencoder.traceDecoder({ wraps: true }),
      places: vae.weights,
    }),
    encoder: () => ({ program: model.autoencoder.traceEncoder(), places: vae.weights }),
    ...(preview && {
      [pictureKeys.preview.name]: () => ({
        program: model.previewAutoencoder!.traceDecoder(),
        places: preview.weights,
      }),
    }),
  };
  const textEncoder = (index: number, skip: number): Network => {
    const rows = vectors[index];
    const options = { ...getTextOptions(model), skip, ...(rows && { learned: rows }) };
    return {
      program: traceTextEncoder(model.textEncoders[index]!, options, texts[index]),
      places: encoders[index]!.weights,
    };
  };
  const whole = getDenoiserKey("whole", false).name;
  const checked = [
    ["unet", whole] as const,
    ...(["decoder", "encoder"] as const).map((name) => [name, name] as const),
    ...(preview ? [["preview's autoencoder", pictureKeys.preview.name] as const] : []),
  ];
  const problems = checked.flatMap(([title, name]) => problemsOf(title, plain[name]!()));
  encoders.forEach((_, index) => {
    const title = index === 0 ? "text encoder" : "second text encoder";
    problems.push(...problemsOf(title, textEncoder(index, 0)));
  });
  if (problems.length > 0) {
    const more = problems.length > 12 ? `; and ${problems.length - 12} more` : "";
    const message = `The weights of ${model.name} do not fit its configs: ${problems.slice(0, 12).join("; ")}${more}.`;
    throw new NishikiError("checkpoint", message);
  }
  return (name) => {
    const [, index, skip] = /^text (\d+) (\d+)$/.exec(name) ?? [];
    return index === undefined ? plain[name]!() : textEncoder(Number(index), Number(skip));
  };
}

/** Parameters that are missing or of another shape. */
function problemsOf(title: string, { program, places }: Network): string[] {
  return program.parameters.flatMap(({ name, shape }) => {
    const place = places.get(name);
    if (!place) return [`the ${title} has no "${name}"`];
    if (place.shape.join() === shape.join()) return [];
    return [`"${name}" of the ${title} is ${formatShape(place.shape)} and should be ${formatShape(shape)}`];
  });
}

/** The weight file of an autoencoder that stands in for the model's own, and what it was given as. */
function getVaeFile(
  given: string,
  { vae }: StableDiffusionFiles,
): { readonly name: string; readonly file: string } {
  const [first] = vae.weights.values();
  return { name: basename(given), file: first!.file };
}

function readTokenizers({ tokenizers }: StableDiffusionFiles): Promise<ClipTokenizer[]> {
  return Promise.all(
    tokenizers.map((place) =>
      "folder" in place ? loadClipFolder(place.folder) : loadEmbeddedClip(place.padToken),
    ),
  );
}
