// The init image and the mask of img2img: read, brought to the size of the request, and stored for the job.
import type { Image } from "../../image/index.js";
import type { FillName, ImageSize, StoredRequest } from "../../pipeline/index.js";
import type { Application } from "../application.js";
import type { DrawRequest } from "./draw-request.js";
import { makeFault, refuse, refuseFields } from "./errors.js";
import type { ImageToImage } from "./fields.js";
import { readImage, storePixels } from "./images.js";
import { getReach, growMask, type Mask, readMaskPixels, toImage } from "./masks.js";
import { resizeImage } from "./resize.js";

const fills: readonly FillName[] = ["surroundings", "original", "noise", "nothing"];
/** The largest width of the soft edge, which a blur reaches with half its number. */
const mostBlur = 125;

/** Refuses what no setting of this server can do. */
function checkImageFields(fields: ImageToImage): void {
  const { init_images, initial_noise_multiplier, image_cfg_scale, mask_round, mask } = fields;
  if (init_images.length > 1)
    refuse(422, `init_images: expected one image, got ${init_images.length}; send one request for each.`);
  if (initial_noise_multiplier !== 1)
    refuse(422, `initial_noise_multiplier: expected 1, got ${initial_noise_multiplier}.`);
  if (image_cfg_scale !== undefined && image_cfg_scale !== 1.5)
    refuse(422, "image_cfg_scale: this server has no models that edit by instructions; leave it out.");
  if (mask !== undefined && !mask_round)
    refuse(422, "mask_round: expected true: latents are repainted or kept, and never mixed.");
}

function getBlur({ mask_blur, mask_blur_x: x, mask_blur_y: y }: ImageToImage): number {
  if (mask_blur === undefined && x !== y)
    refuse(422, `mask_blur_x, mask_blur_y: expected the same number, got ${x} and ${y}.`);
  const blur = mask_blur ?? x;
  if (blur > mostBlur) refuse(422, `mask_blur: expected a number from 0 to ${mostBlur}, got ${blur}.`);
  return blur;
}

const isSame = (a: ImageSize, b: ImageSize) => a.width === b.width && a.height === b.height;

/** Refuses latent upscaling, unless the image has its size already. */
function checkMode(mode: number, image: ImageSize, size: ImageSize): void {
  if (mode !== 3 || isSame(image, size)) return;
  const sizes = `${image.width}x${image.height} to ${size.width}x${size.height}`;
  refuse(422, `resize_mode: 3 (latent upscale) cannot bring an init image from ${sizes}; use 0, 1 or 2.`);
}

interface Sizes {
  readonly usual?: ImageSize;
  readonly range?: { readonly most: number };
}

/** Refuses sizes that the model does not draw before an image is scaled to them. */
function checkLargest({ width, height }: ImageToImage, { usual, range }: Sizes): void {
  const most = range?.most ?? Math.max(usual?.width ?? 0, usual?.height ?? 0);
  if (Math.max(width, height) <= most) return;
  const sentence = `expected at most ${most} pixels, which this model draws from an init image, got ${width}x${height}.`;
  refuseFields([makeFault("width", sentence)]);
}

interface Painting {
  readonly image: Image;
  readonly mask: Mask;
}

/** The image and its mask as they are drawn from: whole if only the masked part is drawn, otherwise at the request's size. */
async function fitPainting(fields: ImageToImage, whole: Painting, size: ImageSize): Promise<Painting> {
  const { image, mask } = whole;
  const { inpaint_full_res: isOnlyMasked, resize_mode: mode } = fields;
  if (isOnlyMasked) {
    if (isSame(image, mask)) return whole;
    const [own, other] = [image.width / image.height, mask.width / mask.height];
    if (Math.abs(own / other - 1) > 0.02)
      refuse(
        422,
        `mask: expected the image's ${image.width}x${image.height} pixels, got ${mask.width}x${mask.height}.`,
      );
    return { image, mask: await resizeMask(mask, image, 0) };
  }
  checkMode(mode, image, size);
  return { image: await resizeImage(image, size, mode), mask: await resizeMask(mask, size, mode) };
}

const resizeMask = async (mask: Mask, size: ImageSize, mode: number): Promise<Mask> =>
  isSame(mask, size) ? mask : readMaskPixels(await resizeImage(toImage(mask), size, mode), false);

async function addMask(
  fields: ImageToImage,
  image: Image,
  { request }: DrawRequest,
  application: Application,
): Promise<StoredRequest> {
  const { limits } = await application.capabilities();
  const blur = getBlur(fields);
  const pixels = await readImage(fields.mask!, "mask", limits, { alpha: true });
  const mask = readMaskPixels(pixels, fields.inpainting_mask_invert === 1);
  const size = { width: fields.width, height: fields.height };
  const fitted = await fitPainting(fields, { image, mask }, size);
  if (fields.inpaint_full_res && !fitted.mask.data.includes(1))
    refuse(422, "mask: expected something to repaint, got none; its white pixels are repainted.");
  const reach = getReach(blur);
  const [imageId, maskId] = await Promise.all([
    storePixels(application, fitted.image),
    storePixels(application, toImage(growMask(fitted.mask, reach))),
  ]);
  const inpaint = {
    mask: maskId,
    feather: reach,
    fill: fills[fields.inpainting_fill]!,
    ...(fields.inpaint_full_res && { onlyMasked: fields.inpaint_full_res_padding }),
  };
  return { ...request, init: { image: imageId, strength: fields.denoising_strength }, inpaint };
}

/** The request with its init image and mask. */
export async function addInitImage(
  fields: ImageToImage,
  drawing: DrawRequest,
  application: Application,
): Promise<StoredRequest> {
  checkImageFields(fields);
  checkLargest(fields, drawing.model.sizes);
  const { limits } = await application.capabilities();
  const image = await readImage(fields.init_images[0]!, "init_images.0", limits);
  if (fields.mask !== undefined && fields.mask !== "") return addMask(fields, image, drawing, application);
  const size = { width: fields.width, height: fields.height };
  checkMode(fields.resize_mode, image, size);
  const id = await storePixels(application, await resizeImage(image, size, fields.resize_mode));
  return { ...drawing.request, init: { image: id, strength: fields.denoising_strength } };
}
