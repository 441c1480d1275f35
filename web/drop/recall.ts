// What can be taken over from a picture, one by one: what its file says, and the picture itself. Nothing changes unasked.
import type { ModelInfo, Upload } from "../../src/server/api/index.js";

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
    | "others"
    | "all";
  /** The value to show, short; empty for "all". */
  readonly value: string;
  /** Fields of the request to change. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The model to choose. */
  readonly model?: string;
}

type Settings = Readonly<Record<string, unknown>>;

/** Fields that go together; everything else is one chip, "others". */
const groups = {
  prompt: ["prompt"],
  negativePrompt: ["negativePrompt"],
  seed: ["seed", "variation", "rng"],
  size: ["size"],
  steps: ["steps"],
  guidance: ["guidance", "guidanceRescale", "guidanceInterval"],
  sampler: ["sampler", "schedule"],
} as const;

/** Fields that are not of the picture's look, or that name images that are not here. */
const unused = new Set(["count", "init", "inpaint"]);

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
  const rest = more.filter(([other]) => other === "schedule" || other === "variation");
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
  return models.find((model) => [model.id, model.name].some((each) => plain(each) === name && name !== ""));
}

/** Chips for settings, in the order in which they are shown; "all" last, where there are several. */
export function getChips(settings: Settings, model?: ModelInfo): readonly RecallChip[] {
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
  if (model) chips.push({ name: "model", value: model.name, settings: {}, model: model.id });
  if (chips.length > 1)
    chips.push({
      name: "all",
      value: "",
      settings: Object.assign({}, ...chips.map((chip) => chip.settings)) as Settings,
      ...(model && { model: model.id }),
    });
  return chips;
}

/** What an uploaded picture offers. */
export function getUploadChips({ provenance }: Upload, models: readonly ModelInfo[]): readonly RecallChip[] {
  if (!provenance) return [];
  const { request, prompt, negativePrompt, fields } = provenance;
  const model = findModel(fields.Model ?? fields["Model name"], models);
  return getChips({ prompt, negativePrompt, ...request }, model);
}

/** A named model that is not in the catalogue, to say so. */
export function getMissingModel({ provenance }: Upload, models: readonly ModelInfo[]): string | undefined {
  const named = provenance?.fields.Model ?? provenance?.fields["Model name"];
  return named && !findModel(named, models) ? named : undefined;
}
