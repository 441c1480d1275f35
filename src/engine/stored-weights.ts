// Finds the bytes in a weight file for each parameter of a program.
import { listSome, NishikiError, quote } from "../errors.js";
import { type DType, type Float8, formatShape, type Program, type StoredParameter } from "../graph/index.js";
import type { WeightPlace, WeightPlaces } from "./engine.js";

/** Element types of stored weights; they become float32 when the session is made. */
export const readableDtypes: readonly string[] = [
  ...(["f32", "f16", "bf16", "f64", "i8", "u8", "i32", "i64"] satisfies DType[]),
  ...(["f8_e4m3", "f8_e5m2", "f8_e4m3fnuz", "f8_e5m2fnuz"] satisfies Float8[]),
];

const scaleDtypes: readonly string[] = ["f32", "f16", "bf16"];

export interface StoredWeights {
  readonly stored: ReadonlyMap<string, StoredParameter>;
  /** The common folder of the files; undefined if nothing is stored. */
  readonly folder: string | undefined;
}

function split(file: string): { folder: string; name: string } {
  const at = Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\"));
  return { folder: at < 0 ? "." : file.slice(0, at) || "/", name: file.slice(at + 1) };
}

function part({ dtype, file, offset, length, transposed }: WeightPlace): Omit<StoredParameter, "scale"> {
  const turned = transposed ? { transposed } : {};
  return { dtype: dtype as DType | Float8, file: split(file).name, offset, length, ...turned };
}

const countOf = ({ shape }: WeightPlace): number => shape.reduce((a, b) => a * b, 1);

/** Describes what is wrong with a parameter's location, if anything. */
function problemOf(name: string, shape: readonly number[], place: WeightPlace, scale?: WeightPlace) {
  if (place.shape.join() !== shape.join()) {
    return `${quote(name)} is ${formatShape(place.shape)} in the file, ${formatShape(shape)} in the network`;
  }
  if (!readableDtypes.includes(place.dtype)) {
    return `${quote(name)} is stored as ${place.dtype}, which is not supported`;
  }
  if (place.transposed && (shape.length !== 2 || scale)) {
    return `${quote(name)} is stored by columns, which only float matrices support`;
  }
  const rows = shape[0] ?? 1;
  if (!scale) {
    return place.dtype === "i8"
      ? `${quote(name)} is stored as i8 without "${name}.scale", one number per row (${rows} rows)`
      : undefined;
  }
  const fits = [1, rows].includes(countOf(scale)) && scaleDtypes.includes(scale.dtype);
  const came = `${scale.dtype} ${formatShape(scale.shape)}`;
  return fits ? undefined : `the scale of ${quote(name)} is ${came}, expected 1 or ${rows} floats`;
}

/**
 * Locates a program's parameters. int8 rows may have their scales in a tensor of the same name plus ".scale".
 * @param skip Names that are supplied elsewhere even if the files have them.
 * @throws NishikiError "checkpoint" that names everything that does not fit.
 */
export function placeWeights(
  program: Program,
  weights: WeightPlaces | undefined,
  skip: readonly string[] = [],
): StoredWeights {
  const stored = new Map<string, StoredParameter>();
  const folders = new Set<string>();
  const problems: string[] = [];
  for (const { name, shape } of program.parameters) {
    const place = weights?.get(name);
    if (!place || skip.includes(name)) continue;
    const scale = place.scale ?? (place.dtype === "i8" ? weights?.get(`${name}.scale`) : undefined);
    const problem = problemOf(name, shape, place, scale);
    if (problem) problems.push(problem);
    for (const { file } of scale ? [place, scale] : [place]) folders.add(split(file).folder);
    const scaled = scale && { ...part(scale), dtype: scale.dtype as DType, count: countOf(scale) };
    stored.set(name, { ...part(place), scale: scaled });
  }
  if (problems.length > 0) {
    throw new NishikiError("checkpoint", `Weights do not fit the network: ${listSome(problems, 8, "; ")}.`);
  }
  if (folders.size > 1) {
    const list = [...folders].join(", ");
    throw new NishikiError(
      "checkpoint",
      `The weights of one program must lie in one folder, not in ${list}.`,
    );
  }
  return { stored, folder: [...folders][0] };
}
