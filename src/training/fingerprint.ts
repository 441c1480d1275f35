// What must stay the same for a run to go on: readable JSON inside the checkpoint, so that a refusal can name
// what differs.
import { isRecord, show } from "../schema/index.js";

/** Settings by name; nested ones are told apart by their path, as in "optimizer.betas". */
export type Settings = Readonly<Record<string, unknown>>;

/** Text of settings, the same for equal settings in whatever order they are given. */
export function writeFingerprint(settings: Settings): string {
  return JSON.stringify(sorted(settings));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, sorted(value[key])]),
  );
}

/** Whether a written fingerprint has a setting of this name at its top. */
export function hasSetting(fingerprint: string, name: string): boolean {
  return Object.hasOwn(readFingerprint(fingerprint) ?? {}, name);
}

/** One sentence part for each setting that differs: `optimizer.kind is "muon" there and "adamw" here`. */
export function fingerprintDifferences(there: string, here: string): string[] {
  if (there === here) return [];
  const [a, b] = [readFingerprint(there), readFingerprint(here)];
  if (!a || !b) return [`its settings are ${show(there)} there and ${show(here)} here`];
  const [flatA, flatB] = [flatten(a), flatten(b)];
  const names = [...new Set([...flatA.keys(), ...flatB.keys()])];
  return names
    .filter((name) => flatA.get(name) !== flatB.get(name))
    .map((name) => `${name} is ${shown(flatA.get(name))} there and ${shown(flatB.get(name))} here`);
}

/** What settings were called before, by their paths. Runs and encoded images of then go on. */
const renamed: Readonly<Record<string, string>> = {
  "optimizer.clip": "optimizer.gradientClipping",
  "loss.absolute": "loss.l1",
  "loss.latentSize": "loss.latentL2",
  "latents.pictures": "latents.images",
  "latents.perShard": "latents.shardSize",
  "latents.firstShards": "latents.initialShards",
  "latents.stepsPerShard": "latents.stepsPerNewShard",
  perShard: "shardSize",
  tokens: "maxTokens",
  times: "timestepSampling",
  "times.deviation": "timestepSampling.std",
  cropsPerPicture: "cropsPerImage",
  roundTrips: "autoencoderRoundTrips",
};
const renamedKinds: Readonly<Record<string, string>> = {
  judge: "classifier",
  superResolution: "super-resolution",
  fineTuning: "fine-tuning",
};

function upgrade(settings: Settings, path = ""): Settings {
  const entries = Object.entries(settings).map(([key, value]) => {
    const name = `${path}${key}`;
    const now = renamed[name]?.split(".").at(-1) ?? key;
    return [now, isRecord(value) ? upgrade(value, `${name}.`) : value] as const;
  });
  const upgraded = Object.fromEntries(entries);
  if (path !== "" || typeof upgraded.kind !== "string") return upgraded;
  return { ...upgraded, kind: renamedKinds[upgraded.kind] ?? upgraded.kind };
}

/** The settings of a written fingerprint under their present names; undefined where it holds none. */
export function readFingerprint(text: string): Settings | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? upgrade(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Leaves by path, as JSON. Lists are leaves. */
function flatten(value: Settings, path = ""): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [key, entry] of Object.entries(value)) {
    const name = path === "" ? key : `${path}.${key}`;
    if (!isRecord(entry)) leaves.set(name, JSON.stringify(entry));
    else for (const [inner, leaf] of flatten(entry, name)) leaves.set(inner, leaf);
  }
  return leaves;
}

function shown(leaf: string | undefined): string {
  if (leaf === undefined) return "not set";
  return leaf.length > 60 ? `${leaf.slice(0, 57)}…` : leaf;
}
