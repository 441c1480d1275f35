// Which bytes of which weight file each parameter of a program is read from.
import { NishikiError } from "../errors.js";
import { type DType, formatShape, type Program, type StoredParameter } from "../graph/index.js";
import type { WeightPlace, WeightPlaces } from "./engine.js";

/** Element types that are read in place; they become float32 when the session is made. */
const readable: readonly string[] = ["f32", "f16", "bf16", "f64", "i8", "u8", "i32", "i64"] satisfies DType[];

export interface StoredWeights {
  readonly stored: ReadonlyMap<string, StoredParameter>;
  /** The one folder of the files; undefined where nothing is stored. */
  readonly folder: string | undefined;
}

function split(file: string): { folder: string; name: string } {
  const at = Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\"));
  return { folder: at < 0 ? "." : file.slice(0, at) || "/", name: file.slice(at + 1) };
}

function part({ dtype, file, offset, length, transposed }: WeightPlace): Omit<StoredParameter, "scale"> {
  const turned = transposed ? { transposed } : {};
  return { dtype: dtype as DType, file: split(file).name, offset, length, ...turned };
}

/** What is wrong with a parameter's place, if anything. */
function problemOf(name: string, shape: readonly number[], place: WeightPlace, scale?: WeightPlace) {
  if (place.shape.join() !== shape.join()) {
    return `"${name}" is ${formatShape(place.shape)} in the file, ${formatShape(shape)} in the network`;
  }
  if (!readable.includes(place.dtype)) {
    return `"${name}" is stored as ${place.dtype}, which is not read in place (${readable.join(", ")} are)`;
  }
  if (place.transposed && (shape.length !== 2 || place.dtype === "i8")) {
    return `"${name}" is stored by columns, which only matrices of floats can be`;
  }
  if (place.dtype !== "i8") return undefined;
  const rows = shape[0] ?? 1;
  if (!scale)
    return `"${name}" is stored as i8 without "${name}.scale", one number for each of its ${rows} rows`;
  const fits =
    scale.shape.reduce((a, b) => a * b, 1) === rows && ["f32", "f16", "bf16"].includes(scale.dtype);
  const came = `${scale.dtype} ${formatShape(scale.shape)}`;
  return fits ? undefined : `"${name}.scale" is ${came}, expected floats for each of ${rows} rows`;
}

/**
 * The places of a program's parameters. int8 rows come with a tensor of the same name and ".scale".
 * @param skip Names that are given in another way though the files have them.
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
    const scale = place.dtype === "i8" ? weights?.get(`${name}.scale`) : undefined;
    const problem = problemOf(name, shape, place, scale);
    if (problem) problems.push(problem);
    for (const { file } of scale ? [place, scale] : [place]) folders.add(split(file).folder);
    stored.set(name, { ...part(place), scale: scale && part(scale) });
  }
  if (problems.length > 0) {
    throw new NishikiError("checkpoint", `Weights do not fit the network: ${problems.join("; ")}.`);
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
