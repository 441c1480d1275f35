// Tracing: calls a pure function once on symbolic tensors and records a program.
import { NishikiError, unknownName } from "../errors.js";
import { canonicalDim } from "./dimension.js";
import { Graph, type Tensor } from "./graph.js";
import { fill, inputOp, parameterOp } from "./ops/constant.js";
import { formatShape, sameShape } from "./shape.js";
import type { DType, Shape } from "./types.js";

/** The initialisation of a parameter that is not loaded, as in the networks' papers. */
export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "uniform"; readonly bound: number };

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
  readonly tensor: Tensor;
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** A recorded computation: its inputs, parameters and outputs. */
export interface Program {
  readonly graph: Graph;
  readonly inputs: readonly NamedTensor[];
  readonly parameters: readonly Parameter[];
  readonly outputs: readonly NamedTensor[];
}

/** Provides parameters by name. Names are the published checkpoint's, joined by dots. */
export interface Scope {
  /** The path so far, without a trailing dot; "" at the root. */
  readonly path: string;
  /** Whether images wrap around, so that convolutions see no border. */
  readonly wraps: boolean;
  /** The parameter `path.name`. Repeating a name requires the same shape. */
  parameter(name: string, shape: readonly number[], init?: Initializer): Tensor;
  /**
   * Names an intermediate value `path.name`, so that a caller can request it as an output. Free unless
   * requested.
   * @returns The value to use from here on: the original, or the caller's replacement.
   */
  record(name: string, tensor: Tensor): Tensor;
  /** Gets the bias that `TraceOptions.adapt` adds to a layer without one; undefined if it adds none. */
  addedBias(width: number): Tensor | undefined;
  /** A scope one level down: `child("attn").child(0)` → "attn.0". */
  child(name: string | number): Scope;
}

/** The interface of a function while it is traced. */
export interface Tracer {
  readonly graph: Graph;
  /** A value passed to every run; dimensions may be symbols. */
  input(name: string, shape: Shape, dtype?: DType): Tensor;
  /** The root scope of parameters, or one below a prefix. */
  scope(prefix?: string): Scope;
  /** The parameters used so far, in order. */
  readonly parameters: readonly Parameter[];
  /** The values recorded so far, by their full names. */
  readonly recorded: ReadonlyMap<string, Tensor>;
}

export interface TraceOptions {
  /**
   * The program's outputs, by name: outputs of the model, or values that it recorded. Default: all outputs of
   * the model.
   */
  readonly outputs?: readonly string[];
  /**
   * Further outputs, computed from values that the model recorded: whoever wants a summary of a large value
   * gets it without the value leaving the device.
   */
  readonly derive?: (recorded: ReadonlyMap<string, Tensor>) => Readonly<Record<string, Tensor>>;
  /** Replaces a recorded value from there on, as an input of the same name. Default: the value. */
  readonly substitute?: (name: string, tensor: Tensor, tracer: Tracer) => Tensor;
  /** Wraps images around, so that they tile without a seam. Default false. */
  readonly wraps?: boolean;
  /**
   * Replaces a parameter wherever it is used, for example by the sum of it and a LoRA's change. Default: the
   * parameter. Also called with zeros for the biases of layers that have none: a LoRA may add one.
   */
  readonly adapt?: (name: string, parameter: Tensor) => Tensor;
}

/** Callers without a type checker pass invalid sizes. */
function checkDimensions(what: string, shape: unknown): void {
  const isSize = (dim: unknown) =>
    typeof dim === "string" || (Number.isSafeInteger(dim) && (dim as number) >= 0);
  const sizes = Array.isArray(shape) ? shape : [shape];
  const wrong = sizes.find((dim) => !isSize(dim));
  if (Array.isArray(shape) && sizes.every(isSize)) return;
  const actual = Array.isArray(shape) ? `${String(wrong)} among them` : String(shape);
  throw new NishikiError(
    "shape",
    `${what}: expected a shape as an array of whole numbers and symbols such as "batch", got ${actual}.`,
  );
}

class Recorder implements Tracer {
  readonly #wraps: boolean;
  readonly #adapt: TraceOptions["adapt"];
  readonly #substitute: NonNullable<TraceOptions["substitute"]>;
  readonly recorded = new Map<string, Tensor>();
  readonly #adapted = new Map<string, Tensor>();
  readonly graph = new Graph();
  readonly parameters: Parameter[] = [];
  readonly inputs: NamedTensor[] = [];
  readonly #byName = new Map<string, Parameter>();
  readonly #claimed = new Map<string, string>();

  constructor({ wraps = false, adapt, substitute = (_, tensor) => tensor }: TraceOptions) {
    this.#wraps = wraps;
    this.#substitute = substitute;
    this.#adapt = adapt;
  }

  input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
    this.claim(name, "input");
    checkDimensions(`input "${name}"`, shape);
    const tensor = this.graph.apply(inputOp, [], { name, shape: shape.map(canonicalDim), dtype })[0]!;
    this.inputs.push({ name, tensor });
    return tensor;
  }

  /** Inputs, parameters and outputs share one namespace, by which a device addresses them. */
  claim(name: string, kind: "input" | "parameter" | "output"): void {
    const before = this.#claimed.get(name);
    if (before) {
      const both =
        before === kind
          ? `two ${kind}s`
          : `an ${before} and an ${kind}`.replace("an parameter", "a parameter");
      throw new NishikiError("shape", `"${name}" is the name of ${both}.`);
    }
    this.#claimed.set(name, kind);
  }

  scope(prefix = ""): Scope {
    const full = (name: string | number) => (prefix ? `${prefix}.${name}` : String(name));
    return {
      path: prefix,
      wraps: this.#wraps,
      parameter: (name, shape, init = { kind: "zeros" }) => this.#parameter(full(name), shape, init),
      record: (name, tensor) => this.#record(full(name), tensor),
      addedBias: (width) => this.#addedBias(full("bias"), width),
      child: (name) => this.scope(full(name)),
    };
  }

  #record(name: string, tensor: Tensor): Tensor {
    if (this.recorded.has(name)) throw new NishikiError("shape", `"${name}" is recorded twice.`);
    const used = this.#substitute(name, tensor, this);
    if (!sameShape(used.shape, tensor.shape)) {
      const shapes = `${formatShape(used.shape)} stands in the place of ${formatShape(tensor.shape)}`;
      throw new NishikiError("shape", `"${name}": ${shapes}.`);
    }
    this.recorded.set(name, used);
    return used;
  }

  #addedBias(name: string, width: number): Tensor | undefined {
    if (!this.#adapt) return undefined;
    const zeros = fill(this.graph, [width], 0);
    const bias = this.#adapt(name, zeros);
    return bias === zeros ? undefined : bias;
  }

  #parameter(name: string, shape: readonly number[], init: Initializer): Tensor {
    const before = this.#byName.get(name);
    if (before) {
      if (sameShape(before.shape, shape)) return this.#adapted.get(name)!;
      const shapes = `${formatShape(before.shape)} and then as ${formatShape(shape)}`;
      throw new NishikiError("shape", `parameter "${name}" is asked for as ${shapes}.`);
    }
    this.claim(name, "parameter");
    checkDimensions(`parameter "${name}"`, shape);
    const tensor = this.graph.apply(parameterOp, [], { name, shape, dtype: "f32" })[0]!;
    const parameter = { name, shape, init, tensor };
    this.#byName.set(name, parameter);
    this.parameters.push(parameter);
    const used = this.#adapt?.(name, tensor) ?? tensor;
    if (!sameShape(used.shape, shape)) {
      const shapes = `${formatShape(used.shape)} stands in the place of ${formatShape(shape)}`;
      throw new NishikiError("shape", `parameter "${name}": ${shapes}.`);
    }
    this.#adapted.set(name, used);
    return used;
  }
}

/**
 * Calls a model function once on symbolic tensors and records its operations as a program.
 * @param model Declares inputs and parameters through the tracer, and returns the outputs by name.
 * @param options Can select the outputs: those of the model, or values that it recorded.
 * @throws NishikiError "shape" if shapes do not fit, naming the operation, the parameter and both shapes, or
 *   if inputs, parameters and outputs share a name; "usage" if a requested output does not exist.
 */
export function trace(
  model: (tracer: Tracer) => Readonly<Record<string, Tensor>>,
  options: TraceOptions = {},
): Program {
  const recorder = new Recorder(options);
  const own = model(recorder);
  const chosen = (options.outputs ?? Object.keys(own)).map((name) => {
    const tensor = own[name] ?? recorder.recorded.get(name);
    if (!tensor) throw unknownName("output", name, [...Object.keys(own), ...recorder.recorded.keys()]);
    return { name, tensor };
  });
  const derived = Object.entries(options.derive?.(recorder.recorded) ?? {});
  const outputs = [...chosen, ...derived.map(([name, tensor]) => ({ name, tensor }))];
  if (outputs.length === 0) throw new NishikiError("shape", "The program has no output.");
  for (const { name } of outputs) recorder.claim(name, "output");
  return { graph: recorder.graph, inputs: recorder.inputs, parameters: recorder.parameters, outputs };
}
