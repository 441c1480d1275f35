// Runs an autoencoder on a large image in tiles (see tiled-networks.ts): memory use depends on the tile size.
import type { HostTensor, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import type { Program } from "../graph/index.js";
import { checkAborted } from "./cancel.js";
import type { TiledNetwork } from "./tiled-networks.js";
import { copyPart, makeTensor, planTiles, subsample, type Tile, type Tiling } from "./tiles.js";

export interface TileRunOptions {
  /** Makes a program ready to run. Each session is closed after use to free its memory. */
  readonly open: (program: Program) => Promise<Session>;
  readonly tiling: Tiling;
  readonly signal?: AbortSignal | undefined;
}

type Named = Readonly<Record<string, HostTensor>>;

async function use<T>(
  { open, signal }: TileRunOptions,
  program: Program,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  checkAborted(signal);
  const session = await open(program);

  try {
    checkAborted(signal);
    return await work(session);
  } finally {
    await session.close();
  }
}

const runOnce = (options: TileRunOptions, program: Program, inputs: Named) =>
  use(options, program, (session) => session.run(inputs));

/** Input and output sizes of `large` per latent and side, and the image's size in latents. */
interface Frame {
  readonly input: { readonly name: string; readonly unit: number };
  readonly output: { readonly name: string; readonly unit: number };
  readonly height: number;
  readonly width: number;
}

function cutTile(
  from: HostTensor,
  { rows, columns }: Tile,
  { input: { unit }, height, width }: Frame,
): HostTensor {
  // Remaining pixels that do not fill a latent belong to the last tile.
  const bottom = rows.to === height ? from.shape[2]! : rows.to * unit;
  const right = columns.to === width ? from.shape[3]! : columns.to * unit;
  const size = { height: bottom - rows.from * unit, width: right - columns.from * unit };
  const tile = makeTensor([1, from.shape[1]!, size.height, size.width]);
  copyPart(from, tile, { ...size, source: [rows.from * unit, columns.from * unit], target: [0, 0] });
  return tile;
}

function checkImage(image: HostTensor): void {
  if (image.dtype === "f32" && image.shape.length === 4 && image.shape[0] === 1) return;
  const got = `${image.dtype} [${image.shape.join(", ")}]`;
  throw new NishikiError("shape", `Tiles: expected one image, f32 [1, channels, height, width], got ${got}.`);
}

async function runLarge(
  { large, statistics }: TiledNetwork,
  from: HostTensor,
  frame: Frame,
  options: TileRunOptions,
): Promise<HostTensor> {
  const { tiling, signal } = options;
  const { input, output, height, width } = frame;
  const sample = () => subsample(from, tiling.tileSize * input.unit);
  const shared = statistics && (await runOnce(options, statistics, { [input.name]: sample() }));
  let whole: HostTensor | undefined;
  await use(options, large, async (session) => {
    for (const tile of planTiles(height, width, tiling)) {
      checkAborted(signal);
      const inputs = { [input.name]: cutTile(from, tile, frame), ...shared };
      const part = (await session.run(inputs))[output.name]!;
      const { unit } = output;
      whole ??= makeTensor([1, part.shape[1]!, height * unit, width * unit]);
      const { rows, columns } = tile;
      copyPart(part, whole, {
        height: (rows.end - rows.start) * unit,
        width: (columns.end - columns.start) * unit,
        source: [(rows.start - rows.from) * unit, (columns.start - columns.from) * unit],
        target: [rows.start * unit, columns.start * unit],
      });
    }
  });
  return whole!;
}

/**
 * Decodes the latents of one image: `[1, channels, height, width]` → pixels `[1, 3, scale·height, scale·width]`.
 * @throws NishikiError "usage" for an invalid tiling, "shape", "aborted", and the sessions' errors
 */
export async function decodeInTiles(
  network: TiledNetwork,
  latents: HostTensor,
  options: TileRunOptions,
): Promise<HostTensor> {
  checkImage(latents);
  const { features } = await runOnce(options, network.small, { latents });
  const [height, width] = latents.shape.slice(2) as [number, number];
  const frame = {
    input: { name: "features", unit: 1 },
    output: { name: "pixels", unit: network.scale },
    height,
    width,
  };
  return runLarge(network, features!, frame, options);
}

/**
 * Encodes the pixels of one image: `[1, 3, height, width]` in [-1, 1] → the outputs of the network's `small` part.
 * @throws NishikiError "usage" for an invalid tiling, "shape", "aborted", and the sessions' errors
 */
export async function encodeInTiles(
  network: TiledNetwork,
  pixels: HostTensor,
  options: TileRunOptions,
): Promise<Record<string, HostTensor>> {
  checkImage(pixels);
  const [height, width] = pixels.shape.slice(2).map((side) => Math.floor(side / network.scale)) as [
    number,
    number,
  ];
  const frame = {
    input: { name: "pixels", unit: network.scale },
    output: { name: "features", unit: 1 },
    height,
    width,
  };
  const features = await runLarge(network, pixels, frame, options);
  return runOnce(options, network.small, { features });
}
