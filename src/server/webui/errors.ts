// Errors in the two forms that clients of stable-diffusion-webui know: FastAPI's list of faults for a body that does not pass
// the checks (422), and webui's object with `error`, `detail`, `body` and `errors` for everything else.
import { HTTPException } from "hono/http-exception";
import { type ErrorCode, NishikiError } from "../../errors.js";
import { describeError } from "../http/errors.js";

/** A fault of a field, as FastAPI lists them. */
export interface Fault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  usage: 422,
  shape: 422,
  data: 422,
  conflict: 409,
  file: 422,
  checkpoint: 500,
  device: 500,
  memory: 500,
  closed: 503,
  database: 503,
  training: 500,
  aborted: 500,
  internal: 500,
};

const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

function makeError(status: number, error: string, detail: string): HTTPException {
  const res = json(status, { error, detail, body: "", errors: detail });
  return new HTTPException(status as 400, { res, message: detail });
}

/** Refuses a request with one sentence. */
export function refuse(status: 400 | 401 | 404 | 409 | 413 | 422 | 500 | 501 | 503, detail: string): never {
  throw makeError(status, "HTTPException", detail);
}

/** Refuses a request whose fields do not pass. */
export function refuseFields(faults: readonly Fault[]): never {
  throw new HTTPException(422, { res: json(422, { detail: faults }), message: "faulty fields" });
}

export const makeFault = (field: string, msg: string): Fault => ({
  loc: ["body", ...field.split(".").filter((part) => part !== "")],
  msg,
  type: "value_error",
});

/** What the settings of a request are called here. */
const fieldNames: Readonly<Record<string, string>> = {
  negativePrompt: "negative_prompt",
  guidance: "cfg_scale",
  sampler: "sampler_name",
  schedule: "scheduler",
  count: "n_iter",
  size: "width",
  seamless: "tiling",
  clipSkip: "override_settings.CLIP_stop_at_last_layers",
  rng: "override_settings.randn_source",
  "init.image": "init_images",
  "init.strength": "denoising_strength",
  "inpaint.mask": "mask",
  "inpaint.fill": "inpainting_fill",
  "inpaint.blur": "mask_blur",
  "inpaint.onlyMasked": "inpaint_full_res",
  inpaint: "mask",
  init: "init_images",
  "variation.strength": "subseed_strength",
  "variation.seed": "subseed",
  variation: "subseed_strength",
  upscale: "enable_hr",
  upscaleSampler: "hr_sampler_name",
  hires: "enable_hr",
  "hires.strength": "denoising_strength",
  "hires.steps": "hr_second_pass_steps",
  "hires.method": "hr_upscaler",
};

/** The faults of a request as one sentence a line, "steps: expected …", by the names of their fields here. */
export function listFaults(message: string): Fault[] {
  return message.split("\n").map((line) => {
    const [, path, sentence] = /^(?:request\.)?([A-Za-z_][\w.[\]]*): (.*)$/s.exec(line) ?? [];
    if (path === undefined || sentence === undefined) return makeFault("", line);
    return makeFault(fieldNames[path] ?? path, sentence);
  });
}

/** The answer to an error of any kind. What nobody foresaw is thrown on: the server logs and answers it. */
export function answerError(error: unknown): Response {
  if (error instanceof HTTPException) return error.getResponse();
  if (!(error instanceof NishikiError)) throw error;
  const { code } = error;
  const { message } = describeError(error);
  if (code === "usage") return json(422, { detail: listFaults(message) });
  const name = code === "memory" ? "OutOfMemoryError" : code === "aborted" ? "Interrupted" : "RuntimeError";
  return makeError(statuses[code], name, message).getResponse();
}
