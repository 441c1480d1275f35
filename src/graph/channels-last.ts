// Layout: records a program's images again as channels-last, [batch, height, width, channels], where the CPU is faster:
// 3×3 convolutions become matrix products (ops/winograd.ts), and the matrices of attention and 1×1 convolutions are the
// images themselves. Networks are written channels-first, as published; transposes stay where the program begins and
// ends, and around operations that have no form here.

import { type ConvolutionForm, type ConvolutionSize, chooseForm } from "./convolution-table.js";
import { evaluateDim, listSymbols, parseDim } from "./dimension.js";
import { type AttributeValue, apply, Graph, type GraphNode, numbers, type Tensor } from "./graph.js";
import { reshape, reshapeOp } from "./ops/broadcast.js";
import { parameterOp } from "./ops/constant.js";
import { convOp, type Window } from "./ops/conv.js";
import { convChannelsLastOp, inputGradientOp } from "./ops/conv-channels-last.js";
import { cropOp } from "./ops/crop.js";
import { add } from "./ops/elementwise.js";
import { addProductOp, linear } from "./ops/matmul.js";
import { groupNormLast, groupNormOp } from "./ops/norm.js";
import { upsampleOp } from "./ops/pool.js";
import { concatOp, padOp, sliceOp, transpose, transposeOp } from "./ops/shape-ops.js";
import { convWinograd, convWinogradLast } from "./ops/winograd.js";
import type { Program } from "./program.js";
import { broadcastingOps, reachable } from "./rewrite.js";
import type { Dim, Shape } from "./types.js";

/** Operations of one operand whose results are of one element each. */
const pointwise: ReadonlySet<string> = new Set([
  ...["neg", "abs", "exp", "log", "sqrt", "square", "rsqrt", "reciprocal", "sin", "cos", "erf"],
  ...["tanh", "sigmoid", "relu", "softplus", "silu", "gelu"],
]);

/** The size of each symbol that a program usually runs with. Any other size gives equally right results. */
export type UsualSizes = Readonly<Record<string, number>>;

/** Chooses a convolution's form; undefined leaves it to the runtime. */
export type ChooseForm = (size: ConvolutionSize) => ConvolutionForm | undefined;

/** An upsampled image that nothing has asked for yet: a convolution reads its source instead. */
interface Enlarged {
  readonly source: Image;
  readonly factor: number;
  /** Height and width, which may have been cropped. */
  readonly size: readonly [Dim, Dim];
}

/** A value in one layout or both; whichever is missing is made when it is first needed. */
class Image {
  #first: Tensor | undefined;
  #last: Tensor | undefined;
  readonly #make: (() => Tensor) | undefined;
  readonly enlarged: Enlarged | undefined;
  readonly goesLast: boolean;

  /** `goesLast`: what follows shall take it as channels-last, though that costs one transpose. */
  constructor(forms: {
    first?: Tensor;
    last?: Tensor;
    make?: () => Tensor;
    enlarged?: Enlarged;
    goesLast?: boolean;
  }) {
    this.goesLast = forms.goesLast === true;
    this.#first = forms.first;
    this.#last = forms.last;
    this.#make = forms.make;
    this.enlarged = forms.enlarged;
  }

  /** Whether what follows takes it as channels-last. */
  get isLast(): boolean {
    return this.goesLast || this.#last !== undefined || this.enlarged?.source.isLast === true;
  }

  /** Whether it is there as channels-first alone. */
  get isFirstYet(): boolean {
    return this.#last === undefined && this.#first !== undefined;
  }

  /** `[batch, channels, …]`, as the program has it. */
  get first(): Tensor {
    this.#first ??= this.#last ? moveChannels(this.#last, "forward") : this.#make!();
    return this.#first;
  }

  /** `[batch, …, channels]`. */
  get last(): Tensor {
    this.#last ??= moveChannels(this.first, "back");
    return this.#last;
  }
}

/** Transposes, or reshapes where all other axes have one element. */
function moveChannels(x: Tensor, to: "forward" | "back"): Tensor {
  const rank = x.shape.length;
  const order = Array.from({ length: rank }, (_, axis) => axis);
  if (to === "back") order.push(...order.splice(1, 1));
  else order.splice(1, 0, ...order.splice(rank - 1, 1));
  const moved = order.map((axis) => x.shape[axis]!);
  const space = to === "back" ? x.shape.slice(2) : x.shape.slice(1, -1);
  return space.every((dim) => dim === 1) ? reshape(x, moved) : transpose(x, order);
}

/** The axis of a channels-last image for one of a channels-first image of the same rank. */
const lastAxis = (axis: number, rank: number) => (axis === 0 ? 0 : axis === 1 ? rank - 1 : axis - 1);

/** One number per axis, in the order of a channels-last image. */
function movedList(list: AttributeValue): number[] {
  const [batch, channels, ...space] = numbers(list) as [number, number, ...number[]];
  return [batch, ...space, channels];
}

/** Whether weights can be transformed in every run: those that are stored, with at most a LoRA's change. */
function isStored(weight: Tensor): boolean {
  const { op, inputs } = weight.node;
  if (op === reshapeOp || op === addProductOp) return isStored(inputs[0]!);
  return op === parameterOp;
}

const dimsOf = (x: Tensor) => x.shape as readonly [Dim, Dim, Dim, Dim];

/** Records one program again. */
class Recorder {
  readonly graph = new Graph();
  readonly #images = new Map<Tensor, Image>();
  readonly #sizes: UsualSizes;
  readonly #choose: ChooseForm;
  /** Whether any convolution has a faster form. */
  gains = false;

  constructor(sizes: UsualSizes, choose: ChooseForm) {
    this.#sizes = sizes;
    this.#choose = choose;
  }

  image(tensor: Tensor): Image {
    return this.#images.get(tensor)!;
  }

  record(node: GraphNode): void {
    const image = this.#convert(node);
    if (image) {
      this.#images.set(node.outputs[0]!, image);
      return;
    }
    const first = (tensors: readonly Tensor[]) => tensors.map((tensor) => this.image(tensor).first);
    const { op, inputs, attributes, body } = node;
    const results = this.graph.apply(op, first(inputs), attributes, body && first(body));
    for (const [i, output] of node.outputs.entries())
      this.#images.set(output, new Image({ first: results[i]!, goesLast: op === convOp }));
  }

  /** The node in a form that leads on channels-last; undefined if it has none, or gains nothing. */
  #convert(node: GraphNode): Image | undefined {
    const { op, attributes, inputs } = node;
    const x = inputs[0] && this.image(inputs[0]);
    if (!x) return undefined;
    if (op === convOp) return this.#convolve(node, x);
    if (op === convChannelsLastOp || op === inputGradientOp) return this.#convolveLast(node, x);
    if (op === transposeOp) return this.#transpose(node, x);
    if (op === upsampleOp) return this.#enlarge(node, x);
    if (op === cropOp && x.enlarged) return this.#cropEnlarged(node, x.enlarged);
    if (!inputs.some((input) => this.image(input).isLast)) return undefined;
    if (broadcastingOps.has(op)) return this.#broadcast(node);
    if (op === reshapeOp) return this.#reshape(node, x);
    const rank = inputs[0]!.shape.length;
    if (pointwise.has(op.name)) return new Image({ last: apply(op, [x.last], attributes) });
    if (rank !== 4) return undefined;
    if (op === groupNormOp) {
      const [weight, bias] = [this.image(inputs[1]!).first, this.image(inputs[2]!).first];
      const { groups, epsilon } = attributes as { groups: number; epsilon: number };
      return new Image({ last: groupNormLast(x.last, groups, weight, bias, epsilon) });
    }
    if (op === concatOp) {
      const parts = inputs.map((input) => this.image(input).last);
      return new Image({ last: apply(op, parts, { axis: lastAxis(attributes.axis as number, rank) }) });
    }
    if (op === sliceOp || op === cropOp) {
      const axis = lastAxis(attributes.axis as number, rank);
      return new Image({ last: apply(op, [x.last], { ...attributes, axis }) });
    }
    if (op === padOp) {
      const sides = { before: movedList(attributes.before), after: movedList(attributes.after) };
      return new Image({ last: apply(op, [x.last], { ...attributes, ...sides }) });
    }
    return undefined;
  }

  #convolve(node: GraphNode, x: Image): Image | undefined {
    const { stride, padding, dilation, groups } = node.attributes as unknown as Window;
    const [input, weight] = node.inputs as [Tensor, Tensor];
    const [out, inner, ...kernel] = weight.shape as number[];
    if (stride !== 1 || dilation !== 1 || groups !== 1 || input.dtype !== "f32") return undefined;
    const filter = this.image(weight).first;
    if (kernel.join() === "1,1" && padding.every((side) => side === 0)) {
      if (!x.isLast) return undefined;
      return new Image({ last: linear(x.last, reshape(filter, [out!, inner!])) });
    }
    if (kernel.join() !== "3,3" || !isStored(weight)) return undefined;
    const form = this.#chooseForm(node.outputs[0]!.shape, input, 1);
    if (!form) return undefined;
    const sides = padding as [number, number, number, number];
    const { source, factor, size } = x.enlarged ?? { source: x, factor: 1, size: undefined };
    const options = { ...form, padding: sides, upsample: factor, ...(size && { size }) };
    return new Image({ last: convWinograd(source.last, filter, options) });
  }

  /** This project's own convolutions, and their gradients by the input: they are channels-last as written. */
  #convolveLast({ op, inputs, outputs: [output] }: GraphNode, x: Image): Image | undefined {
    const [weight, bias] = inputs.slice(1).map((input) => this.image(input).first);
    const form = weight!.shape[1] === 3 ? this.#chooseForm(output!.shape, inputs[0]!, 3) : undefined;
    if (!form) return undefined;
    const { tile, bands } = form;
    const product = convWinogradLast(x.first, weight!, { tile, bands, turned: op === inputGradientOp });
    return new Image({ first: bias ? add(product, bias) : product });
  }

  /** The form of a convolution with its usual size; undefined if it has none. */
  #chooseForm(shape: Shape, input: Tensor, channels: 1 | 3): ConvolutionForm | undefined {
    const symbols = shape.flatMap(listSymbols);
    if (symbols.some((symbol) => this.#sizes[symbol] === undefined) || input.dtype !== "f32")
      return undefined;
    const sizes = shape.map((dim) => evaluateDim(dim, this.#sizes));
    const [batch, height, width] = sizes.filter((_, axis) => axis !== channels) as [number, number, number];
    const form = this.#choose({
      ...{ batch, height, width },
      inner: input.shape[channels] as number,
      out: sizes[channels]!,
    });
    if (form) this.gains = true;
    return form;
  }

  #enlarge(node: GraphNode, source: Image): Image {
    const [, , height, width] = dimsOf(node.outputs[0]!);
    const factor = node.attributes.factor as number;
    const make = () => apply(node.op, [source.first], node.attributes);
    return new Image({ make, enlarged: { source, factor, size: [height, width] } });
  }

  #cropEnlarged(node: GraphNode, enlarged: Enlarged): Image | undefined {
    const before = this.image(node.inputs[0]!);
    const [, , height, width] = dimsOf(node.outputs[0]!);
    const make = () => apply(node.op, [before.first], node.attributes);
    const isInside = (node.attributes.axis as number) > 1;
    return isInside ? new Image({ make, enlarged: { ...enlarged, size: [height, width] } }) : undefined;
  }

  /** A transpose of positions and channels only says which layout is meant. */
  #transpose({ attributes, inputs: [input] }: GraphNode, x: Image): Image | undefined {
    if (input!.shape.length !== 3 || numbers(attributes.order).join() !== "0,2,1") return undefined;
    if (x.isLast) return new Image({ first: x.last });
    const { first } = x;
    return new Image({ last: first });
  }

  /** Between images and their positions as one axis. */
  #reshape({ inputs: [input], outputs: [output] }: GraphNode, x: Image): Image | undefined {
    const [from, to] = [input!.shape, output!.shape];
    const keepsChannels = [3, 4].includes(to.length) && from[0] === to[0] && from[1] === to[1];
    if (!keepsChannels || typeof to[1] !== "number") return undefined;
    return new Image({ last: reshape(x.last, [to[0]!, ...to.slice(2), to[1]]) });
  }

  #broadcast({ op, inputs, attributes, outputs: [output] }: GraphNode): Image | undefined {
    const rank = output!.shape.length;
    const images = inputs.map((input) => this.image(input));
    // The bias of the runtime's convolution is a part of it.
    if (images.every(({ isFirstYet }) => isFirstYet) && inputs.some(({ shape }) => shape.length < rank)) {
      const first = images.map((image) => image.first);
      return new Image({ first: apply(op, first, attributes), goesLast: true });
    }
    const operands = inputs.map((input) => {
      const { shape } = input;
      if (shape.length === rank) return this.image(input).last;
      const { first } = this.image(input);
      if (shape.every((dim) => dim === 1)) return first;
      // One number per channel: [channels, 1, 1].
      const isChannels = shape.length === rank - 1 && shape.slice(1).every((dim) => dim === 1);
      return isChannels ? reshape(first, [shape[0]!]) : undefined;
    });
    if (operands.some((operand) => operand === undefined)) return undefined;
    return new Image({ last: apply(op, operands as Tensor[], attributes) });
  }
}

/**
 * Records a program with its images channels-last, if that makes a convolution faster. Inputs, parameters and outputs keep
 * their names, shapes and order.
 * @param sizes For the choice of each convolution's form. Convolutions of images with other symbols stay as they are.
 */
export function toChannelsLast(
  program: Program,
  sizes: UsualSizes,
  choose: ChooseForm = chooseForm,
): Program {
  const recorder = new Recorder(sizes, choose);
  const needed = reachable(program);
  for (const node of program.graph.nodes) if (needed.has(node)) recorder.record(node);
  if (!recorder.gains) return program;
  const again = <T extends { readonly tensor: Tensor }>(named: T): T => ({
    ...named,
    tensor: recorder.image(named.tensor).first,
  });
  return {
    graph: recorder.graph,
    inputs: program.inputs.map(again),
    parameters: program.parameters.map(again),
    outputs: program.outputs.map(again),
  };
}

/**
 * The sizes of a program's symbols for usual images: its first input `[batch, channels, height, width]` has the given batch,
 * height and width. Symbols that are not found there have no usual size.
 */
export function getUsualSizes(
  { inputs }: Pick<Program, "inputs">,
  { batch, height, width }: { readonly batch: number; readonly height: number; readonly width: number },
): UsualSizes {
  const shape = inputs.find(({ tensor }) => tensor.shape.length === 4)?.tensor.shape ?? [];
  const usual = [batch, undefined, height, width];
  return Object.fromEntries(
    shape.flatMap((dim, axis): [string, number][] => {
      const [term, ...more] = parseDim(dim);
      const [symbol, ...others] = term?.atoms ?? [];
      const size = usual[axis];
      const isSimple = symbol !== undefined && more.length + others.length === 0 && size !== undefined;
      return isSimple ? [[symbol, size / term!.coefficient]] : [];
    }),
  );
}
