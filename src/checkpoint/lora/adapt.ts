// LoRAs in a program: a changed layer's weight is its own plus the products of the pairs. The runtime computes it once when the
// session is made, or at every run where weights stay in their file; the model's files stay as they are.
import { NishikiError } from "../../errors.js";
import { addProduct, constant, formatShape, reshape, type Tensor } from "../../graph/index.js";
import { getLoraNames, type LoraPart } from "./names.js";
import type { Lora, LoraLayer } from "./read.js";

/** A LoRA and how strongly it is applied: 1 as it was trained, 0 not at all, negative the other way. */
export interface WeightedLora {
  readonly lora: Lora;
  readonly weight: number;
}

interface Change {
  readonly layer: LoraLayer;
  readonly scale: number;
}

export interface LoraAdapter {
  /** For `trace`: the parameter with its changes. */
  readonly adapt: (name: string, parameter: Tensor) => Tensor;
  /** Layers of each LoRA that the network has. */
  readonly matched: ReadonlySet<LoraLayer>;
}

/**
 * Finds the layers of a network that LoRAs change.
 * @param parameters The network's own, by diffusers' and transformers' names.
 * @throws NishikiError "checkpoint" for a LoRA of another architecture: its matrices do not fit the layers they name.
 */
export function makeLoraAdapter(
  part: LoraPart,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  loras: readonly WeightedLora[],
): LoraAdapter {
  const names = getLoraNames(
    part,
    parameters.map(({ name }) => name),
  );
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const changes = new Map<string, Change[]>();
  const matched = new Set<LoraLayer>();
  for (const { lora, weight } of loras) {
    for (const layer of lora.layers) {
      const name = names.get(layer.name);
      if (name === undefined) continue;
      checkFits(lora, layer, shapes.get(name)!);
      matched.add(layer);
      if (weight === 0) continue;
      const one = { layer, scale: weight * layer.scale };
      changes.set(name, [...(changes.get(name) ?? []), one]);
    }
  }
  const adapt = (name: string, parameter: Tensor) => (changes.get(name) ?? []).reduce(change, parameter);
  return { adapt, matched };
}

/** The weight + scale · up · down, as rows. */
function change(weight: Tensor, { layer: { up, down }, scale }: Change): Tensor {
  const rank = down.shape[0]!;
  const [outputs] = up.shape as [number];
  const inner = down.data.length / rank;
  const wide = constant(weight.graph, up.data, [outputs, rank]);
  const thin = constant(weight.graph, down.data, [rank, inner]);
  return reshape(addProduct(reshape(weight, [outputs, inner]), wide, thin, scale), weight.shape);
}

function checkFits({ name }: Lora, { name: layer, up, down }: LoraLayer, shape: readonly number[]): void {
  const inner = shape.slice(1).reduce((a, b) => a * b, 1);
  const given = down.data.length / down.shape[0]!;
  if (up.shape[0] === shape[0] && given === inner) return;
  const pair = `${up.shape[0]} × ${given}`;
  throw new NishikiError(
    "checkpoint",
    `The LoRA ${name} was made for another model: its layer "${layer}" changes a matrix of ${pair}, ` +
      `and this model's is ${formatShape(shape)}.`,
  );
}
