// What can be taken over from a picture, one by one: what its file says, and the picture itself. Nothing changes unasked.
import type { Addition, ModelInfo, Upload } from "../api/types.js";

/** A part of a picture's settings that goes together, as a button. */
export interface RecallChip {
  readonly name:
    | "prompt"
    | "negativePrompt"
    | "seed"
    | "size"
    | "steps"
    | "guidance"
    | "sampler"
    | "model"
    | "loras"
    | "others"
    | "all";
  /** The value to show, short; empty for "all". */
  readonly value: string;
  /** Fields of the request to change. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The model to choose. */
  readonly model?: string;
  /** LoRAs to load, by their ids. */
  readonly loras?: readonly { readonly id: string; readonly weight: number }[];
}

type Settings = Readonly<Record<string, unknown>>;

/** Fields that go together; everything else is one chip, "others". */
const groups = {
  prompt: ["prompt"],
  negativePrompt: ["negativePrompt"],
  seed: ["seed", "variation", "rng"],
  size: ["size", "hires"],
  steps: ["steps"],
  guidance: ["guidance", "guidanceRescale", "guidanceInterval"],
  sampler: ["sampler", "schedule"],
} as const;

/** Fields that are not of the picture's look, or that name images that are not here. */
const unused = new Set(["count", "init", "inpaint", "model", "loras"]);

function sizeText(size: unknown): string {
  if (typeof size === "string") return size.replace(/x/i, " × ");
  const { width, height } = (size ?? {}) as { width?: unknown; height?: unknown };
  return `${String(width)} × ${String(height)}`;
}

/** A value as a person reads it. */
export function describeValue(name: string, value: unknown): string {
  if (name === "size") return sizeText(value);
  if (Array.isArray(value)) return value.join("–");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([key, inner]) => `${key} ${describeValue(key, inner)}`)
      .join(", ");
  return String(value);
}

function pick(settings: Settings, names: readonly string[]): Settings {
  const entries = names.filter((name) => settings[name] !== undefined && settings[name] !== "");
  return Object.fromEntries(entries.map((name) => [name, settings[name]]));
}

function chipOf(name: keyof typeof groups, settings: Settings): RecallChip | undefined {
  const part = pick(settings, groups[name]);
  const values = Object.entries(part).filter(
    ([field, value]) => !(field === "rng" || (field === "guidanceRescale" && value === 0)),
  );
  if (values.length === 0) return undefined;
  const [[field, value], ...more] = values as [[string, unknown], ...[string, unknown][]];
  const rest = more.filter(([other]) => ["schedule", "variation", "hires"].includes(other));
  const text = [describeValue(field, value), ...rest.map(([other, inner]) => describeValue(other, inner))];
  return { name, value: text.join(" · "), settings: part };
}

const plain = (name: string) =>
  name
    .toLowerCase()
    .replace(/\.(safetensors|ckpt|gguf|pt|bin)$/, "")
    .replace(/[^\p{L}\p{N}]+/gu, "");

/** The model of the catalogue that a file's text names; undefined if it is not here. */
export function findModel(named: string | undefined, models: readonly ModelInfo[]): ModelInfo | undefined {
  if (!named) return undefined;
  const name = plain(named.split(/[\\/]/).at(-1)!);
  if (name === "") return undefined;
  // The embedded model's files name its weights, with or without their version: "nishiki-small 0.5.1".
  const namesOf = ({ id, name: title, what }: ModelInfo) => [id, title, what, what.replace(/ [\d.]+$/, "")];
  return models.find((model) => namesOf(model).some((each) => plain(each) === name));
}

interface NamedLora {
  readonly name: string;
  readonly weight: number;
}

const isNamedLora = (value: unknown): value is NamedLora =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as NamedLora).name === "string" &&
  typeof (value as NamedLora).weight === "number";

const getLoras = ({ provenance }: Upload): readonly NamedLora[] => {
  const listed = provenance?.request.loras;
  return Array.isArray(listed) ? listed.filter(isNamedLora) : [];
};

const findLora = ({ name }: NamedLora, additions: readonly Addition[]): Addition | undefined =>
  additions.find(
    (one) => one.kind === "lora" && [one.id, one.name].some((each) => plain(each) === plain(name)),
  );

/** What is chosen beside the settings. */
type Choices = Pick<RecallChip, "model" | "loras">;

/** Chips for settings, in the order in which they are shown; "all" last, where there are several. */
export function getChips(settings: Settings, further: readonly RecallChip[] = []): readonly RecallChip[] {
  const names = Object.keys(groups) as (keyof typeof groups)[];
  const chips: RecallChip[] = names
    .map((name) => chipOf(name, settings))
    .filter((chip) => chip !== undefined);
  const known: readonly string[] = Object.values(groups).flat();
  const others = Object.keys(settings).filter((name) => !known.includes(name) && !unused.has(name));
  const rest = pick(settings, others);
  if (Object.keys(rest).length > 0) {
    const value = Object.entries(rest)
      .map(([name, inner]) => (inner === true ? name : `${name} ${describeValue(name, inner)}`))
      .join(", ");
    chips.push({ name: "others", value, settings: rest });
  }
  chips.push(...further);
  if (chips.length > 1) {
    const choices: Choices = Object.assign(
      {},
      ...further.map(({ model, loras }) => ({ ...(model && { model }), ...(loras && { loras }) })),
    );
    const all = Object.assign({}, ...chips.map((chip) => chip.settings)) as Settings;
    chips.push({ name: "all", value: "", settings: all, ...choices });
  }
  return chips;
}

const getModelName = ({ provenance }: Upload): string | undefined => {
  const named = provenance?.request.model ?? provenance?.fields.Model;
  return typeof named === "string" ? named : undefined;
};

/** What an uploaded picture offers. */
export function getUploadChips(
  upload: Upload,
  models: readonly ModelInfo[],
  additions: readonly Addition[] = [],
): readonly RecallChip[] {
  const { provenance } = upload;
  if (!provenance) return [];
  const { request, prompt, negativePrompt } = provenance;
  const model = findModel(getModelName(upload), models);
  const loras = getLoras(upload).flatMap((lora) => {
    const found = findLora(lora, additions);
    return found ? [{ id: found.id, weight: lora.weight, name: found.name }] : [];
  });
  const further: RecallChip[] = [];
  if (model) further.push({ name: "model", value: model.name, settings: {}, model: model.id });
  if (loras.length > 0) {
    const value = loras.map(({ name, weight }) => `${name} ${weight}`).join(", ");
    further.push({
      name: "loras",
      value,
      settings: {},
      loras: loras.map(({ id, weight }) => ({ id, weight })),
    });
  }
  return getChips({ prompt, negativePrompt, ...request }, further);
}

/** The model and LoRAs that the picture was drawn with and that are not in the catalogue, to say so. */
export function getMissing(
  upload: Upload,
  models: readonly ModelInfo[],
  additions: readonly Addition[] = [],
): readonly string[] {
  const model = getModelName(upload);
  const loras = getLoras(upload).filter((lora) => !findLora(lora, additions));
  return [...(model && !findModel(model, models) ? [model] : []), ...loras.map(({ name }) => name)];
}
