// Where a picture's settings are: its file knows all of them but the pictures that it was made from, and its job knows those.
import { api } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { peekJob } from "../store/jobs.js";
import { getModel } from "../store/models.js";
import type { Source } from "./variations.js";

/** A picture's job; undefined if the server does not know it any more. */
async function findJob(image: StoredImage): Promise<Job | undefined> {
  if (image.job === null) return undefined;
  return peekJob(image.job) ?? (await api.job(image.job).catch(() => undefined));
}

/** What to draw again to get this picture, or one like it. */
export async function getSource(image: StoredImage): Promise<Source> {
  const { init, inpaint, ...own } = image.request;
  const job = init === undefined && Object.keys(image.load).length === 0 ? undefined : await findJob(image);
  // The file names its start image by the hash of its pixels; the job names the stored file.
  const start = init !== undefined && job?.request.init !== undefined;
  return {
    image,
    settings: {
      ...own,
      seed: image.seed,
      ...(start && { init: job.request.init }),
      ...(start && job.request.inpaint !== undefined && { inpaint: job.request.inpaint }),
    },
    load: job?.load ?? {},
    model: getModel(image.modelId),
  };
}
