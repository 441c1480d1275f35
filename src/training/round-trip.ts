// Encodes and decodes images with a frozen autoencoder, with noise on the latents: imitates a generator's
// images.
import type { Engine } from "../engine/index.js";
import { add, cast, clamp, mul, round, trace } from "../graph/index.js";
import { type AutoencoderConfig, decode, encode, pixelsFromBytes } from "../models/index.js";
import { random } from "../random/index.js";
import { openAutoencoder } from "./frozen.js";
import { autoencoderScopes } from "./tasks/autoencoder.js";

export interface RoundTrip {
  /**
   * @param pixels `[size, size, 3]` bytes
   * @param noise standard deviation of the noise on latents, with the seed and index of its random stream
   */
  run(pixels: Uint8Array, noise: { std: number; seed: number; index: number }): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens an autoencoder for images of one size. @throws NishikiError "file", "checkpoint" */
export async function openRoundTrip(
  engine: Engine,
  { weights, network }: { readonly weights: string; readonly network: AutoencoderConfig },
  size: number,
): Promise<RoundTrip> {
  const side = size / network.fold / 2;
  const shape = [1, side, side, network.latentChannels];
  const program = trace((tracer) => {
    const { encoder, decoder } = autoencoderScopes(tracer.scope());
    const pixels = pixelsFromBytes(tracer.input("pixels", [1, size, size, 3], "u8"));
    const latents = add(encode(encoder, pixels, network), tracer.input("noise", shape));
    const decoded = clamp(decode(decoder, latents, network), -1, 1);
    return { decoded: cast(round(mul(add(decoded, 1), 127.5)), "u8") };
  });
  const session = await engine.load(program, { weights: await openAutoencoder(weights) });
  return {
    run: async (data, { std, seed, index }) => {
      const count = side * side * network.latentChannels;
      const numbers = random(seed, "round trip", index).normals(count);
      const noise = { dtype: "f32" as const, shape, data: numbers.map((value) => value * std) };
      const pixels = { dtype: "u8" as const, shape: [1, size, size, 3], data };
      const { decoded } = await session.run({ pixels, noise });
      return decoded!.data as Uint8Array;
    },
    close: () => session.close(),
  };
}
