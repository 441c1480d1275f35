// The stored images that a job's request names.
import { listImages, storedRequestSchema } from "../pipeline/index.js";
import type { JobRecord } from "./parts.js";

type NamingJob = Pick<JobRecord, "kind" | "request">;

/** Ids by where they are in the request: "inpaint.mask". Images of a training are named elsewhere: there may be thousands. */
export async function getImageIds({ kind, request }: NamingJob): Promise<ReadonlyMap<string, string>> {
  if (kind === "enlarge") return new Map([["image", request.image as string]]);
  if (kind !== "draw" && kind !== "explain") return new Map();
  const drawn = kind === "explain" ? (request.request as JobRecord["request"]) : request;
  return (await listImages(storedRequestSchema, drawn)) as Map<string, string>;
}

/** Each id once. */
export async function listImageIds(job: NamingJob): Promise<ReadonlySet<string>> {
  return new Set((await getImageIds(job)).values());
}
