// The networks of a family, from recipes: a program, and the weights that it reads (node).
import type { Engine, Session, WeightPlaces } from "../../engine/index.js";
import { listSome, NishikiError } from "../../errors.js";
import { formatShape, type Program, type UsualSizes } from "../../graph/index.js";
import type { Watch } from "../cancel.js";
import {
  getWeightBytes,
  type ModelSessions,
  type Network,
  type NetworkGroup,
  type NetworkKey,
} from "../session-pool.js";

/** How a network is made. */
export interface Recipe {
  /** Name in load events and messages: "denoiser of stage 2". */
  readonly title: string;
  readonly program: Program;
  readonly places: WeightPlaces;
  readonly group: NetworkGroup;
  /** Whether its weights stay in their files on the CPU: a little slower, and half the memory. */
  readonly inPlace: boolean;
  /** Limit on the group's loaded sessions, for networks that follow each other. */
  readonly groupLimit?: number;
  /** The size of each symbol in the model's usual image, for the choice of convolutions. */
  readonly usualSizes?: UsualSizes;
}

/** @throws NishikiError "checkpoint" where weights do not fit the programs that read them */
export function checkRecipes(
  model: string,
  recipes: readonly Pick<Recipe, "title" | "program" | "places">[],
): void {
  const problems = recipes.flatMap(({ title, program, places }) =>
    program.parameters.flatMap(({ name, shape }) => {
      const place = places.get(name);
      if (!place) return [`the ${title} has no "${name}"`];
      if (place.shape.join() === shape.join()) return [];
      return [`"${name}" of the ${title} is ${formatShape(place.shape)} and should be ${formatShape(shape)}`];
    }),
  );
  if (problems.length === 0) return;
  const message = `The weights of ${model} do not fit its configs: ${listSome(problems, 12, "; ")}.`;
  throw new NishikiError("checkpoint", message);
}

/** Lends a model's networks to one request. */
export interface RecipeNetworks<K> {
  readonly signal?: AbortSignal;
  /** Runs work with a network, and loads it first if necessary. */
  use<T>(key: K, work: (session: Session) => Promise<T>): Promise<T>;
}

/** The networks of one request; each recipe is made once. */
export function openRecipes<K extends NetworkKey>(
  makeRecipe: (key: K) => Recipe,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): RecipeNetworks<K> {
  const describe = (key: K): Network => {
    const { title, program, places, group, inPlace, groupLimit, usualSizes } = makeRecipe(key);
    const options = { weights: places, inPlace: engine.device === "cpu" && inPlace, usualSizes };
    const load = () => engine.load(program, options);
    const bytes = getWeightBytes(program);
    return { key, group, title, bytes, load, ...(groupLimit !== undefined && { groupLimit }) };
  };
  const known = new Map<string, Network>();
  const find = (key: K) => {
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
