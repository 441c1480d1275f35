// Convolution with 3×3 kernels by Winograd's minimal filtering (Winograd 1980; Lavin and Gray 2015, arXiv:1509.09308):
// the image is cut into overlapping tiles, tiles and kernels are transformed, and the convolution becomes one matrix
// product per position of a transformed tile. Images are channels-last, so that a pixel is a row of memory.
//
//   tiles = B (x) B applied to windows, weights = G (x) G applied to kernels, y = A (x) A applied to their products
import { addDims, floorDivideDim, multiplyDims } from "../dimension.js";
import { apply, fixedSize, type Graph, type Operation, shapeError, type Tensor } from "../graph.js";
import type { Lowering } from "../onnx/lowering.js";
import type { Dim } from "../types.js";
import { reshape } from "./broadcast.js";
import { constant, sharedData } from "./constant.js";
import { gather } from "./index-ops.js";
import { matmul } from "./matmul.js";
import { concat, pad, transpose } from "./shape-ops.js";
import { takeRows } from "./stored-rows.js";
import { kernelSize, type TileSize, transforms } from "./winograd-transforms.js";

/** How an image is cut into tiles. Height and width are those of the image that the convolution sees. */
export interface Tiling {
  /** Rows and columns of results that a tile gives. */
  readonly tile: TileSize;
  readonly batch: Dim;
  readonly height: Dim;
  readonly width: Dim;
  /** Zeros around the image: top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  /** Every pixel of the source stands for upsample × upsample pixels of the image. */
  readonly upsample: number;
  /** Width of the source. */
  readonly sourceWidth: Dim;
  /** Pixels of a source; the pixel after them is zero. */
  readonly sourcePixels: Dim;
  /** The image is worked off in so many bands of equal height; they overlap if they do not divide it. */
  readonly bands: number;
}

interface Grid {
  readonly outHeight: Dim;
  readonly outWidth: Dim;
  /** Tiles per row of tiles, rows of tiles, and rows of tiles in a band. */
  readonly across: Dim;
  readonly down: Dim;
  readonly bandRows: Dim;
  /** Tiles in a band of one image, and of all images. */
  readonly tiles: Dim;
  readonly allTiles: Dim;
}

const count = (size: Dim, part: number): Dim => floorDivideDim(addDims(size, part - 1), part);

function makeGrid({ tile, batch, height, width, padding, bands }: Tiling): Grid {
  const [top, left, bottom, right] = padding;
  const outHeight = addDims(height, top + bottom - kernelSize + 1);
  const outWidth = addDims(width, left + right - kernelSize + 1);
  const [across, down] = [count(outWidth, tile), count(outHeight, tile)];
  const bandRows = count(down, bands);
  const tiles = multiplyDims(bandRows, across);
  return { outHeight, outWidth, across, down, bandRows, tiles, allTiles: multiplyDims(batch, tiles) };
}

const toTiling = (attributes: unknown) => attributes as Tiling;

/** Integer arithmetic of index vectors while they are written. */
function integerNodes(lowering: Lowering) {
  const number = (value: Dim) => lowering.shapeVector([value]);
  const node = (type: string, ...inputs: readonly (string | number)[]) =>
    lowering.node(
      type,
      inputs.map((input) => (typeof input === "number" ? lowering.integers([input]) : input)),
    );
  const range = (size: Dim) =>
    lowering.node("Range", [
      lowering.scalar("i64", 0),
      lowering.node("Squeeze", [number(size)]),
      lowering.scalar("i64", 1),
    ]);
  const unsqueeze = (x: string, axes: readonly number[]) => node("Unsqueeze", x, lowering.integers(axes));
  return { number, node, range, unsqueeze };
}

/** The first row of tiles in a band: the last band ends with the image. */
function bandStart(lowering: Lowering, band: number | string, { bands }: Tiling, grid: Grid): string {
  const { number, node } = integerNodes(lowering);
  if (bands === 1) return lowering.integers([0]);
  const regular = node("Mul", number(grid.bandRows), band);
  return node("Min", regular, node("Sub", number(grid.down), number(grid.bandRows)));
}

/** Indices of the pixels that tiles see, `[n·n·batch·tiles]`, by row and column of the tile, then by tile. */
const tileIndicesOp: Operation = {
  name: "winogradTiles",
  infer: (_, attributes) => {
    const { size } = transforms[toTiling(attributes).tile];
    return [{ shape: [multiplyDims(size * size, makeGrid(toTiling(attributes)).allTiles)], dtype: "i64" }];
  },
  lower: (lowering, _, { attributes }) => {
    const tiling = toTiling(attributes);
    const { tile, padding, upsample, sourceWidth, sourcePixels } = tiling;
    const grid = makeGrid(tiling);
    const { number, node, range, unsqueeze } = integerNodes(lowering);
    const within = Array.from({ length: transforms[tile].size }, (_, i) => i);
    const outside = number(sourcePixels);
    /** Positions [n, tiles] along one axis: of the source, times a factor; far outside, where there is none. */
    const along = (tiles: string, before: number, size: Dim, factor: Dim) => {
      const starts = node("Sub", node("Mul", tiles, tile), before);
      const places = node("Add", unsqueeze(lowering.integers(within), [1]), starts);
      const inside = node("And", node("GreaterOrEqual", places, 0), node("Less", places, number(size)));
      const source = upsample === 1 ? places : node("Div", places, upsample);
      return node("Where", inside, factor === 1 ? source : node("Mul", source, number(factor)), outside);
    };
    const start = bandStart(lowering, attributes.band as number, tiling, grid);
    const rows = along(node("Add", range(grid.bandRows), start), padding[0], tiling.height, sourceWidth);
    const columns = along(range(grid.across), padding[1], tiling.width, 1);
    const sums = node("Add", unsqueeze(rows, [1, 2, 4]), unsqueeze(columns, [0, 2, 3]));
    const images = node("Mul", range(tiling.batch), number(addDims(sourcePixels, 1)));
    const places = node("Add", node("Min", sums, outside), unsqueeze(images, [1, 2])); // [n, n, batch, rows, across]
    return [node("Reshape", places, -1)];
  },
};

/** Indices of all pixels among the results of all bands, `[batch·height·width]`. */
const pixelIndicesOp: Operation = {
  name: "winogradPixels",
  infer: (_, attributes) => {
    const { outHeight, outWidth } = makeGrid(toTiling(attributes));
    const { batch } = toTiling(attributes);
    return [{ shape: [multiplyDims(batch, multiplyDims(outHeight, outWidth))], dtype: "i64" }];
  },
  lower: (lowering, _, { attributes }) => {
    const tiling = toTiling(attributes);
    const { tile } = tiling;
    const grid = makeGrid(tiling);
    const { number, node, range, unsqueeze } = integerNodes(lowering);
    const tiles = number(grid.allTiles);
    const split = (places: string) => {
      const whole = node("Div", places, tile);
      return { whole, rest: node("Sub", places, node("Mul", whole, tile)) };
    };
    const row = split(range(grid.outHeight));
    const band = node("Div", row.whole, number(grid.bandRows));
    const local = node("Sub", row.whole, bandStart(lowering, band, tiling, grid));
    const before = node("Add", node("Mul", band, tile * tile), node("Mul", row.rest, tile));
    const rows = node("Add", node("Mul", before, tiles), node("Mul", local, number(grid.across)));
    const column = split(range(grid.outWidth));
    const columns = node("Add", node("Mul", column.rest, tiles), column.whole);
    const images = unsqueeze(node("Mul", range(tiling.batch), number(grid.tiles)), [1, 2]);
    return [node("Reshape", node("Add", images, node("Add", unsqueeze(rows, [1]), columns)), -1)];
  },
};

/** Some rows of kernels `[out, in, 3, 3]` → `[n·n, rows, in]`: one matrix for each position of a transformed tile. */
const winogradWeightsOp: Operation = {
  name: "winogradWeights",
  infer: ([w], { tile, from, to }) => {
    const { size } = transforms[tile as TileSize];
    return [{ shape: [size * size, (to as number) - (from as number), w!.shape[1]!], dtype: w!.dtype }];
  },
  lower: (lowering, [w], { attributes, inputs: [weight] }) => {
    const { tile, from, to } = attributes as { tile: TileSize; from: number; to: number };
    const { size, kernels } = transforms[tile];
    const shape = weight!.shape as number[];
    const inner = shape[1]!;
    const area = kernelSize ** 2;
    const flat = takeRows(lowering, w!, { from, to, weight: shape, shape: [(to - from) * inner, area] });
    const matrix = lowering.constant("f32", [size * size, area], kernels);
    const product = lowering.node("Gemm", [matrix, flat], { transB: 1 });
    return [lowering.node("Reshape", [product, lowering.integers([size * size, to - from, inner])])];
  },
};

export const winogradWeightsName = winogradWeightsOp.name;

function matrix(graph: Graph, tile: TileSize, which: "windows" | "results"): Tensor {
  const { size, [which]: data } = transforms[tile];
  const numbers = sharedData(graph, `winograd ${which} ${tile}`, () => data);
  return constant(graph, numbers, [numbers.length / (size * size), size * size]);
}

export interface WinogradOptions {
  readonly tile: TileSize;
  readonly padding: Tiling["padding"];
  /** Parts of the image's height that are computed one after another: they take less memory. Default 1. */
  readonly bands?: number;
  /** Equal parts of the output channels, for the same reason. Default 1. */
  readonly parts?: number;
  /** Convolves the image that repeats every pixel upsample × upsample times, cropped to a size. Default 1. */
  readonly upsample?: number;
  /** Height and width of that image. Default: all of it. */
  readonly size?: readonly [Dim, Dim];
}

/**
 * 3×3 convolution of stride 1: `x [batch, height, width, in]`, `weight [out, in, 3, 3]` →
 * `[batch, height', width', out]`. Errors are those of float32 sums, times about 4 for tiles of 4 (see
 * `winograd-transforms.ts`). No gradient: it is chosen when a program is written for a device.
 */
export function convWinograd(x: Tensor, weight: Tensor, options: WinogradOptions): Tensor {
  const { tile, parts = 1 } = options;
  const [out, inner] = [weight.shape[0] as number, fixedSize(x, 3)];
  if (weight.shape.slice(1).join() !== `${inner},${kernelSize},${kernelSize}`) {
    throw shapeError("convWinograd", "[batch, height, width, in] and a weight [out, in, 3, 3]", x, weight);
  }
  const { windows, tiling } = readTiles(x, options);
  const kernels = Array.from({ length: parts }, (_, part) => {
    const [from, to] = [(part * out) / parts, ((part + 1) * out) / parts];
    return apply(winogradWeightsOp, [weight], { tile, from, to });
  });
  return writePixels(windows, kernels, tiling, true);
}

/** The transformed tiles of each band, `[n·n, batch·tiles, in]`. */
function readTiles(x: Tensor, options: WinogradOptions): { windows: readonly Tensor[]; tiling: Tiling } {
  const { tile, padding, bands = 1, upsample = 1 } = options;
  const [batch, sourceHeight, sourceWidth, inner] = x.shape as [Dim, Dim, Dim, number];
  const whole = [multiplyDims(sourceHeight, upsample), multiplyDims(sourceWidth, upsample)] as const;
  const [height, width] = options.size ?? whole;
  const sourcePixels = multiplyDims(sourceHeight, sourceWidth);
  const tiling = { tile, batch, height, width, padding, upsample, sourceWidth, sourcePixels, bands };
  const { allTiles } = makeGrid(tiling);
  const positions = transforms[tile].size ** 2;
  const rows = pad(reshape(x, [batch, sourcePixels, inner]), [0, 0, 0], [0, 1, 0]); // each image ends with zeros
  const pixels = reshape(rows, [-1, inner]);
  const windows = Array.from({ length: bands }, (_, band) => {
    const indices = x.graph.apply(tileIndicesOp, [], { ...tiling, band })[0]!;
    const seen = reshape(gather(pixels, indices), [positions, multiplyDims(allTiles, inner)]);
    return reshape(matmul(matrix(x.graph, tile, "windows"), seen), [positions, allTiles, inner]);
  });
  return { windows, tiling };
}

/**
 * Products with the kernels of all parts of the output channels, transformed back and put in the order of pixels:
 * `[batch, height, width, out]`.
 */
function writePixels(
  windows: readonly Tensor[],
  kernels: readonly Tensor[],
  tiling: Tiling,
  transposeB: boolean,
): Tensor {
  const { tile } = tiling;
  const { graph } = kernels[0]!;
  const { outHeight, outWidth, allTiles } = makeGrid(tiling);
  const multiply = (window: Tensor, part: Tensor) => {
    const [positions, out] = [fixedSize(part, 0), fixedSize(part, transposeB ? 1 : 2)];
    const products = matmul(window, part, { transposeB }); // [n·n, batch·tiles, out]
    const flat = reshape(products, [positions, multiplyDims(allTiles, out)]);
    return reshape(matmul(matrix(graph, tile, "results"), flat), [multiplyDims(tile * tile, allTiles), out]);
  };
  // One part after another, so that its kernels are transformed once and freed.
  const parts = kernels.map((part) =>
    concat(
      windows.map((window) => multiply(window, part)),
      0,
    ),
  );
  const indices = graph.apply(pixelIndicesOp, [], { ...tiling })[0]!;
  const image = gather(concat(parts, 1), indices); // [batch·h·w, out]
  return reshape(image, [tiling.batch, outHeight, outWidth, fixedSize(image, 1)]);
}

/**
 * The same of weights `[out, 3, 3, in]`, as this project's own networks have them, with one zero around the image:
 * `x [batch, height, width, in]` → `[batch, height, width, out]`. `turned`: the convolution's gradient by its input instead,
 * from `[…, out]` to `[…, in]`, with the kernels rotated by 180° and their channels exchanged.
 */
export function convWinogradLast(
  x: Tensor,
  weight: Tensor,
  { turned, ...options }: Pick<WinogradOptions, "tile" | "bands"> & { readonly turned: boolean },
): Tensor {
  const { tile } = options;
  const [out, , , inner] = weight.shape as readonly number[];
  const { size, kernels } = transforms[tile];
  const area = kernelSize ** 2;
  const rotate = () => kernels.map((_, i) => kernels[i - (i % area) + area - 1 - (i % area)]!);
  const data = turned ? sharedData(x.graph, `winograd turned ${tile}`, rotate) : kernels;
  const flat = reshape(weight, [out!, area, inner!]);
  const product = matmul(constant(x.graph, data, [size * size, area]), flat); // [out, n·n, in]
  const { windows, tiling } = readTiles(x, { ...options, padding: [1, 1, 1, 1] });
  return writePixels(windows, [transpose(product, [1, 0, 2])], tiling, !turned);
}
