// The init image and the mask of img2img: read, brought to the size of the request, and stored for the job.
import type { Image } from "../../image/index.js";
import type { StoredRequest } from "../../pipeline/index.js";
import type { Application } from "../application.js";
import type { DrawRequest } from "./draw-request.js";
import { refuse } from "./errors.js";
import type { ImageToImage } from "./fields.js";
import { readImage, storePixels } from "./images.js";
import { resizeImage } from "./resize.js";

/** Refuses what no setting of this server can do. */
function checkImageFields(fields: ImageToImage): void {
  const { init_images, initial_noise_multiplier, image_cfg_scale } = fields;
  if (init_images.length > 1)
    refuse(
      422,
      `init_images: expected one image, got ${init_images.length}: each image of a reply begins with the same one.`,
    );
  if (initial_noise_multiplier !== 1)
    refuse(422, `initial_noise_multiplier: expected 1, got ${initial_noise_multiplier}.`);
  if (image_cfg_scale !== undefined && image_cfg_scale !== 1.5)
    refuse(422, `image_cfg_scale: this server has no models that are edited by instructions; leave it out.`);
}

export async function addInitImage(
  fields: ImageToImage,
  { request }: DrawRequest,
  application: Application,
): Promise<StoredRequest> {
  checkImageFields(fields);
  const { limits } = await application.capabilities();
  const size = { width: fields.width, height: fields.height };
  const image = await readImage(fields.init_images[0]!, "init_images.0", limits);
  const fitted = await resizeImage(image, size, fields.resize_mode);
  const id = await storePixels(application, fitted);
  return { ...request, init: { image: id, strength: fields.denoising_strength } };
}

export type { Image };
