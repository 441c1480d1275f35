// Images that Stable Diffusion attends to beside the text, through an IP-Adapter (Ye et al. 2023, arXiv:2308.06721): whole
// images, or only their style or layout, by the blocks that attend to them (InstantStyle: Wang et al. 2024, arXiv:2404.02733).
import type { HostTensors } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import type { ConditionalUnetConfig, CrossAttention, IpAdapterConfig } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { InputImage } from "../../pixels.js";
import { f32, floats } from "../../tensors.js";
import { encodeImages, type ImageEncoderModel, type UseImageEncoder } from "../../vision/image-encoder.js";
import type { Condition } from "./condition.js";
import { makeRows } from "./conditioning.js";
import type { ImageInputs } from "./image-embedding.js";
import type { Networks } from "./networks.js";
import { getImageInput } from "./programs.js";

/** What is taken from an image. */
export type ImageAspect = "all" | "style" | "layout";

/** An IP-Adapter without its weights, with the image encoder that it was trained with. */
export interface IpAdapter {
  readonly config: IpAdapterConfig;
  readonly encoder: ImageEncoderModel;
  /** The denoiser's cross-attentions. */
  readonly attentions: readonly CrossAttention[];
}

/** The encoder's output that an adapter takes. */
export const getAdapterInput = ({ kind }: IpAdapterConfig) =>
  kind === "linear" ? ("embedding" as const) : ("penultimate" as const);

/** Tokens of one image. */
export function getImageTokens({ config, encoder }: IpAdapter): number {
  const { imageSide, patchSide } = encoder.config;
  return config.tokens ?? 1 + Math.floor(imageSide / patchSide) ** 2;
}

type UnetKind = Pick<ConditionalUnetConfig, "addition">;

/**
 * The blocks that take an aspect of an image, by the beginning of their names; undefined for all. XL's are the paper's; for
 * 1.x and 2.x, style is the block of its code, and layout the one that stands where XL's does, which nobody published.
 */
export function getAspectBlocks(aspect: ImageAspect, { addition }: UnetKind): string | undefined {
  if (aspect === "all") return undefined;
  if (aspect === "style") return addition ? "up_blocks.0.attentions.1" : "up_blocks.1";
  return addition ? "down_blocks.2.attentions.1" : "down_blocks.2";
}

/** The cross-attentions that take an aspect of an image. */
function getAttentions(
  { attentions }: IpAdapter,
  aspect: ImageAspect,
  unet: UnetKind,
): readonly CrossAttention[] {
  const blocks = getAspectBlocks(aspect, unet);
  return blocks === undefined ? attentions : attentions.filter(({ name }) => name.startsWith(`${blocks}.`));
}

/** Whether an encoder's output has the width that an adapter takes. */
export function isEncoderOf(config: IpAdapterConfig, { config: encoder }: ImageEncoderModel): boolean {
  return config.inputWidth === (config.kind === "linear" ? encoder.projection : encoder.width);
}

type Request = Pick<ImageSettings, "imagePrompt" | "styleReference" | "layoutReference">;

/**
 * @throws NishikiError "usage" for settings that blend embeddings, which an adapter does not take, or for aspects whose blocks
 *   the denoiser lacks
 */
export function checkAttendedImages(request: Request, adapter: IpAdapter, unet: UnetKind): void {
  const { imagePrompt } = request;
  const others = ["texts", "textWeights", "blend", "difference", "noiseLevel"] as const;
  const given = others.find((name) => imagePrompt?.[name] !== undefined);
  if (given !== undefined) {
    const reason = "an IP-Adapter attends to each image by itself and has no embedding to change";
    throw new NishikiError("usage", `imagePrompt.${given}: ${reason}; omit it.`);
  }
  for (const { aspect } of listImages(request))
    if (getAttentions(adapter, aspect, unet).length === 0) {
      const reason = `this denoiser has no cross-attention in ${getAspectBlocks(aspect, unet)}, which takes the ${aspect}`;
      throw new NishikiError("usage", `${aspect}Reference.images: ${reason}; omit it.`);
    }
}

/** One image, what is taken from it, and how strongly. */
interface AttendedImage {
  readonly image: InputImage;
  readonly aspect: ImageAspect;
  readonly weight: number;
}

function listImages({ imagePrompt, styleReference, layoutReference }: Request): AttendedImage[] {
  const groups = [
    ["all", imagePrompt],
    ["style", styleReference],
    ["layout", layoutReference],
  ] as const;
  return groups.flatMap(([aspect, group]) =>
    (group?.images ?? []).map((image, i, { length }) => {
      return { image, aspect, weight: group?.weights?.[i] ?? 1 / length };
    }),
  );
}

/** What the denoiser takes from a request's images. */
export interface AttendedImages {
  readonly inputs: ImageInputs;
  /** The aspect of each image, which the denoiser's program is made for. */
  readonly aspects: readonly ImageAspect[];
}

/**
 * Encodes a request's images to tokens. Without conditioning, tokens come from an embedding of zeros, or from the states of an
 * image of zeros, as in diffusers.
 * @returns undefined if the request has none.
 */
export async function encodeAttendedImages(
  adapter: IpAdapter,
  unet: UnetKind,
  request: Request,
  networks: Networks,
): Promise<AttendedImages | undefined> {
  const images = listImages(request);
  if (images.length === 0) return undefined;
  const output = getAdapterInput(adapter.config);
  const use: UseImageEncoder = (kind, work) => networks.use({ part: "image encoder", output: kind }, work);
  const pixels = images.map(({ image }) => image);
  const encoded = await encodeImages(adapter.encoder, pixels, output, use);
  const { imageSide: side } = adapter.encoder.config;
  const none =
    output === "embedding"
      ? new Float32Array(adapter.config.inputWidth)
      : await use(output, async (session) => {
          const zeros = f32(new Float32Array(3 * side * side), 1, 3, side, side);
          return floats(await session.run({ pixels: zeros }), output);
        });
  const project = async (values: Float32Array): Promise<HostTensors> => {
    const { inputWidth } = adapter.config;
    const shape = output === "embedding" ? [1, inputWidth] : [1, values.length / inputWidth, inputWidth];
    return networks.use({ part: "image projection" }, (session) =>
      session.run({ image: f32(values, ...shape) }),
    );
  };
  const uncond = await project(none);
  const seen: SeenImage[] = [];
  for (const [i, { aspect }] of images.entries())
    seen.push({ cond: await project(encoded[i]!), attentions: getAttentions(adapter, aspect, unet) });
  const weights = Float32Array.from(images, ({ weight }) => weight);
  return { inputs: makeInputs(seen, uncond, weights), aspects: images.map(({ aspect }) => aspect) };
}

/** An image's keys and values, and the cross-attentions that take them. */
interface SeenImage {
  readonly cond: HostTensors;
  readonly attentions: readonly CrossAttention[];
}

/** The same for all steps, so they are made once for each set of conditions. */
function makeInputs(images: readonly SeenImage[], uncond: HostTensors, weights: Float32Array): ImageInputs {
  const made = new Map<string, HostTensors>();
  return (conditions) => {
    const key = conditions.map(({ conditioning }) => conditioning).join();
    const inputs = made.get(key) ?? joinRows(images, uncond, conditions);
    made.set(key, inputs);
    return { ...inputs, imageWeights: makeRows(conditions, () => weights, weights.length) };
  };
}

/** Keys and values of every image, one row for each condition. */
function joinRows(
  images: readonly SeenImage[],
  uncond: HostTensors,
  conditions: readonly Condition[],
): HostTensors {
  const inputs = images.flatMap(({ cond, attentions }, image) =>
    attentions.flatMap(({ name }) =>
      (["keys", "values"] as const).map((part) => {
        const output = `${part}.${name}`;
        const [, tokens, width] = cond[output]!.shape as [number, number, number];
        const getRow = ({ conditioning }: Condition) =>
          floats(conditioning === "uncond" ? uncond : cond, output);
        return [getImageInput(image, part, name), makeRows(conditions, getRow, tokens, width)] as const;
      }),
    ),
  );
  return Object.fromEntries(inputs);
}
