// Applies LoRAs in a program: a changed layer's weight is the original plus the changes of all LoRAs. The
// runtime computes it once, when it makes the session, or on every run if weights stay in their file; the
// model's files never change.
import { NishikiError, quote } from "../../errors.js";
import { add, constant, formatShape, reshape, type Tensor } from "../../graph/index.js";
import { addChange, getChangeShape } from "./change.js";
import { getLoraNames, type LoraPart } from "./names.js";
import type { Lora, LoraLayer } from "./read.js";

/** A LoRA and its weight: 1 applies it as trained, 0 not at all, negative values invert it. */
export interface WeightedLora {
  readonly lora: Lora;
  readonly weight: number;
}

interface WeightedLayer {
  readonly layer: LoraLayer;
  readonly weight: number;
}

export interface LoraAdapter {
  /** For `trace`: adds the changes to a parameter. */
  readonly adapt: (name: string, parameter: Tensor) => Tensor;
  /** The LoRA layers that exist in the network. */
  readonly matched: ReadonlySet<LoraLayer>;
}

/**
 * Finds the layers of a network that LoRAs change.
 * @param parameters The network's parameters, by diffusers' and transformers' names.
 * @throws NishikiError "checkpoint" for a LoRA of another architecture: its matrices do not fit the layers
 *   they name.
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
  const weights = new Map<string, WeightedLayer[]>();
  const biases = new Map<string, WeightedLayer[]>();
  const matched = new Set<LoraLayer>();
  const note = (table: Map<string, WeightedLayer[]>, name: string, one: WeightedLayer) =>
    table.set(name, [...(table.get(name) ?? []), one]);
  for (const { lora, weight } of loras) {
    for (const layer of lora.layers) {
      const name = names.get(layer.name);
      if (name === undefined) continue;
      checkFits(lora, layer, shapes.get(name)!);
      matched.add(layer);
      if (weight === 0) continue;
      if (layer.change) note(weights, name, { layer, weight });
      if (layer.bias) note(biases, name.replace(/weight$/, "bias"), { layer, weight });
    }
  }
  const adapt = (name: string, parameter: Tensor): Tensor => {
    const changes = weights.get(name);
    if (changes) return changeWeight(parameter, changes);
    return (biases.get(name) ?? []).reduce(
      (bias, { layer, weight }) => add(bias, scaled(bias.graph, layer.bias!, weight)),
      parameter,
    );
  };
  return { adapt, matched };
}

function scaled(graph: Tensor["graph"], values: Float32Array, weight: number): Tensor {
  return constant(
    graph,
    values.map((value) => value * weight),
    [values.length],
  );
}

function changeWeight(parameter: Tensor, changes: readonly WeightedLayer[]): Tensor {
  const [outputs = 1, inputs = 1, ...sides] = parameter.shape as number[];
  const kernel = sides.reduce((a, b) => a * b, 1);
  const rows = reshape(parameter, [outputs, inputs * kernel]);
  const whole = { rows, outputs, inputs, kernel };
  const total = changes.reduce(
    (sum, { layer, weight }) => addChange(sum, whole, layer.change!, weight * layer.scale, layer.magnitude),
    rows,
  );
  return reshape(total, parameter.shape);
}

function checkFits({ name }: Lora, layer: LoraLayer, shape: readonly number[]): void {
  const [outputs = 1, inputs = 1] = shape;
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const { change, magnitude, bias } = layer;
  const [rows = outputs, columns = width] = change ? getChangeShape(change) : [];
  const isLong = (axis: "outputs" | "inputs", length: number) =>
    length === (axis === "outputs" ? outputs : inputs);
  const fits =
    rows === outputs &&
    columns === width &&
    (change?.kind !== "IA3" || isLong(change.axis, change.factors.length)) &&
    (change?.kind !== "GLoRA" || isLong("inputs", change.inputs[0].rows)) &&
    (!magnitude || isLong(magnitude.axis, magnitude.data.length)) &&
    (!bias || isLong("outputs", bias.length));
  if (fits) return;
  throw new NishikiError(
    "checkpoint",
    `The LoRA ${name} was made for another model: its layer ${quote(layer.name)} changes a matrix of ${rows} × ${columns}, ` +
      `but this model's is ${formatShape(shape)}.`,
  );
}
