// The settings that must match to resume a run: JSON inside the checkpoint, so that a refusal can name the
// differences.
import { isRecord, show } from "../schema/index.js";

/** Settings by name. Messages name nested ones by their path, such as "optimizer.betas". */
export type Settings = Readonly<Record<string, unknown>>;

/** Writes settings as text, independently of the order of keys. */
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

/** Whether a fingerprint has this setting at its top level. */
export function hasSetting(fingerprint: string, name: string): boolean {
  return Object.hasOwn(readFingerprint(fingerprint) ?? {}, name);
}

/** Describes each setting that differs: `optimizer.kind is "muon" there and "adamw" here`. */
export function fingerprintDifferences(there: string, here: string): string[] {
  if (there === here) return [];
  const [a, b] = [readFingerprint(there), readFingerprint(here)];
  if (!a || !b) return [`its settings are ${show(there)} there and ${show(here)} here`];
  const [flatA, flatB] = [flatten(a), flatten(b)];
  const names = [...new Set([...flatA.keys(), ...flatB.keys()])];
  return names
    .filter((name) => flatA.get(name) !== flatB.get(name))
    .map((name) => `${name} is ${showLeaf(flatA.get(name))} there and ${showLeaf(flatB.get(name))} here`);
}

/** Former names of settings by path, so that earlier runs and encoded images stay usable. */
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

/** Reads a fingerprint's settings under their present names; undefined if the text is no fingerprint. */
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

function showLeaf(leaf: string | undefined): string {
  if (leaf === undefined) return "not set";
  return leaf.length > 60 ? `${leaf.slice(0, 57)}…` : leaf;
}
