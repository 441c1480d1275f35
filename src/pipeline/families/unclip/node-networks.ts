// The networks of an unCLIP model, as a pool of sessions loads them (node).
import type { ModelComponent } from "../../../checkpoint/node.js";
import type { Engine, WeightPlaces } from "../../../engine/index.js";
import { listSome, NishikiError } from "../../../errors.js";
import { formatShape, type Program } from "../../../graph/index.js";
import type { Watch } from "../../cancel.js";
import { getWeightBytes, type ModelSessions, type Network, type NetworkGroup } from "../../session-pool.js";
import type { NetworkKey, Networks } from "./networks.js";

/** A network: its files, and how its program is recorded. */
export interface Recipe {
  readonly component: ModelComponent;
  trace(): Program;
}

/** The recipe of each network that a model has, and what to call the networks in messages. */
export interface Recipes {
  /** The model's name. */
  readonly name: string;
  /** All networks, each once. */
  readonly keys: readonly NetworkKey[];
  make(key: NetworkKey): Recipe;
}

/** @throws NishikiError "checkpoint" where weights do not fit the programs that read them */
export function checkWeights({ name, keys, make }: Recipes): void {
  const problems = keys.flatMap((key) => {
    const { component, trace } = make(key);
    return findProblems(describeKey(key), trace(), component.weights);
  });
  if (problems.length === 0) return;
  const message = `The weights of ${name} do not fit its configs: ${listSome(problems, 12, "; ")}.`;
  throw new NishikiError("checkpoint", message);
}

const describeKey = (key: NetworkKey) =>
  key.part === "super-resolution" ? `${key.isLast ? "last" : "first"} super-resolution` : key.part;

/** Parameters that are missing or of another shape. */
function findProblems(title: string, { parameters }: Program, places: WeightPlaces): string[] {
  return parameters.flatMap(({ name, shape }) => {
    const place = places.get(name);
    if (!place) return [`the ${title} has no "${name}"`];
    if (place.shape.join() === shape.join()) return [];
    return [`"${name}" of the ${title} is ${formatShape(place.shape)} and should be ${formatShape(shape)}`];
  });
}

/** Networks of one group work in turn; each stage frees those of the others. */
const groups: Readonly<Record<NetworkKey["part"], NetworkGroup>> = {
  "text encoder": "text",
  "image encoder": "vision",
  prior: "prior",
  "text projection": "denoise",
  denoiser: "denoise",
  encoder: "decode",
  decoder: "decode",
  "super-resolution": "enlarge",
};

/** Few weights and large images gain from packed weights; everything else stays in its files. */
const isPacked = (part: NetworkKey["part"]) => part === "encoder" || part === "decoder";

/** The networks for one request. */
export function openNetworks(
  recipes: Recipes,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): Networks {
  const describe = (key: NetworkKey): Network => {
    const { component, trace } = recipes.make(key);
    const program = trace();
    const inPlace = engine.device === "cpu" && !isPacked(key.part);
    return {
      key,
      group: groups[key.part],
      title: describeKey(key),
      bytes: getWeightBytes(program),
      // The two networks of super-resolution follow each other.
      ...(key.part === "super-resolution" && { groupLimit: 1 }),
      load: () => engine.load(program, { weights: component.weights, inPlace }),
    };
  };
  const known = new Map<string, Network>();
  const find = (key: NetworkKey) => {
    const name = JSON.stringify(key);
    const network = known.get(name) ?? describe(key);
    known.set(name, network);
    return network;
  };
  return {
    ...(watch.signal && { signal: watch.signal }),
    use: (key, work) => sessions.use(find(key), work, watch),
  };
}
