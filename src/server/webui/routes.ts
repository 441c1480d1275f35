// The API of stable-diffusion-webui (AUTOMATIC1111, Forge), for programs that already speak it: /sdapi/v1 and /internal.
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { flag, isRecord, wholeNumber, z } from "../../schema/index.js";
import type { Application } from "../application.js";
import { readJson } from "../http/body.js";
import { imageBodyBytes } from "../http/limits.js";
import type { RouteContext } from "../route-context.js";
import { type Handling, imageToImage, textToImage } from "./draw.js";
import { answerError, makeFault, refuse, refuseFields } from "./errors.js";
import { enlargeBatch, enlargeSingle } from "./extras.js";
import { readFields } from "./fields.js";
import { latentModes } from "./hires.js";
import {
  listEmbeddings,
  listLoras,
  listModels,
  listSamplers,
  listSchedulers,
  listUpscalers,
  listVaes,
  showMemory,
} from "./lists.js";
import { changeOptions, type Options, OptionsOfCallers, showOptions } from "./options.js";
import { interrogate, readPngInfo } from "./png-info.js";
import { getPendingTasks, getProgress, getTaskProgress } from "./progress.js";
import { Tasks } from "./tasks.js";

/** The state that the routes share. */
interface Shared {
  readonly application: Application;
  readonly context: RouteContext;
  readonly tasks: Tasks;
  readonly options: OptionsOfCallers;
}

/** The body, within the server's limits for bodies with images; refused in webui's form. */
async function readBody(c: Context): Promise<unknown> {
  try {
    return await readJson(c, { limit: imageBodyBytes });
  } catch (error) {
    if (!(error instanceof HTTPException)) throw error;
    const { status, message } = error;
    if (status === 413) refuse(413, message);
    return refuseFields([{ loc: ["body"], msg: message, type: "value_error.jsondecode" }]);
  }
}

async function getHandling(c: Context, { application, tasks, options, context }: Shared): Promise<Handling> {
  const caller = context.caller(c);
  const reading = {
    catalogue: await application.catalogue(),
    options: options.get(caller.owner),
    styles: [],
  };
  const keepOptions = (kept: Options) => options.set(caller.owner, kept);
  return { application, tasks, caller, reading, keepOptions };
}

function addDrawing(routes: Hono, shared: Shared): void {
  routes.post("/sdapi/v1/txt2img", async (c) =>
    c.json(await textToImage(await getHandling(c, shared), await readBody(c))),
  );
  routes.post("/sdapi/v1/img2img", async (c) =>
    c.json(await imageToImage(await getHandling(c, shared), await readBody(c))),
  );
}

function addImages(routes: Hono, shared: Shared): void {
  const { application } = shared;
  const limits = async () => (await application.capabilities()).limits;
  const extras = (c: Context) => ({ ...shared, caller: shared.context.caller(c) });
  routes.post("/sdapi/v1/extra-single-image", async (c) =>
    c.json(await enlargeSingle(extras(c), await readBody(c))),
  );
  routes.post("/sdapi/v1/extra-batch-images", async (c) =>
    c.json(await enlargeBatch(extras(c), await readBody(c))),
  );
  routes.post("/sdapi/v1/png-info", async (c) =>
    c.json(await readPngInfo(await readBody(c), await limits())),
  );
  routes.post("/sdapi/v1/interrogate", async (c) =>
    c.json(await interrogate(await readBody(c), await limits())),
  );
}

const progressQuerySchema = z.object({
  id_task: z.string().max(200).default(""),
  id_live_preview: wholeNumber(-1).default(-1),
  live_preview: flag.default(true),
});

function addProgress(routes: Hono, { application, tasks, context }: Shared): void {
  const ownerOf = (c: Context) => context.caller(c).owner;
  routes.get("/sdapi/v1/progress", async (c) => {
    const skipsImage = ["true", "1"].includes(c.req.query("skip_current_image") ?? "");
    return c.json(await getProgress(application, tasks, ownerOf(c), skipsImage));
  });
  routes.get("/internal/ping", (c) => c.json({}));
  routes.get("/internal/pending-tasks", (c) => c.json(getPendingTasks(tasks, ownerOf(c))));
  routes.post("/internal/progress", async (c) => {
    const query = readFields(progressQuerySchema, await readBody(c));
    return c.json(await getTaskProgress(application, tasks, ownerOf(c), query));
  });
  routes.post("/sdapi/v1/interrupt", async (c) => {
    await tasks.interrupt(ownerOf(c));
    return c.json({});
  });
  routes.post("/sdapi/v1/skip", async (c) => {
    await tasks.skip(ownerOf(c));
    return c.json(null);
  });
}

function addOptions(routes: Hono, { application, options, context }: Shared): void {
  routes.get("/sdapi/v1/options", async (c) =>
    c.json(showOptions(options.get(context.caller(c).owner), await application.catalogue())),
  );
  routes.post("/sdapi/v1/options", async (c) => {
    const body = await readBody(c);
    if (!isRecord(body)) refuseFields([makeFault("", "expected a JSON object.")]);
    const { owner } = context.caller(c);
    options.set(owner, changeOptions(options.get(owner), body, await application.catalogue()));
    return c.json(null);
  });
  routes.get("/sdapi/v1/cmd-flags", (c) =>
    c.json({ api: true, api_log: false, nowebui: false, listen: false }),
  );
}

function addLists(routes: Hono, { application }: Shared): void {
  const nothing = [
    "prompt-styles",
    "face-restorers",
    "realesrgan-models",
    "hypernetworks",
    "script-info",
    "extensions",
  ];
  for (const name of nothing) routes.get(`/sdapi/v1/${name}`, (c) => c.json([]));
  routes.get("/sdapi/v1/scripts", (c) => c.json({ txt2img: [], img2img: [] }));
  routes.get("/sdapi/v1/samplers", (c) => c.json(listSamplers()));
  routes.get("/sdapi/v1/schedulers", (c) => c.json(listSchedulers()));
  routes.get("/sdapi/v1/upscalers", async (c) => c.json(listUpscalers(await application.capabilities())));
  routes.get("/sdapi/v1/latent-upscale-modes", (c) => c.json(latentModes.map((name) => ({ name }))));
  routes.get("/sdapi/v1/memory", async (c) => c.json(showMemory(await application.capabilities())));
  const ofCatalogue = {
    "sd-models": listModels,
    "sd-vae": listVaes,
    "sd-modules": listVaes,
    loras: listLoras,
    embeddings: listEmbeddings,
  };
  for (const [name, list] of Object.entries(ofCatalogue))
    routes.get(`/sdapi/v1/${name}`, async (c) => c.json(list(await application.catalogue())));
}

function addModels(routes: Hono, { application, options, context }: Shared): void {
  for (const name of ["checkpoints", "vae", "embeddings", "loras"])
    routes.post(`/sdapi/v1/refresh-${name}`, async (c) => {
      await application.refreshCatalogue();
      return c.json(null);
    });
  const chosen = async (c: Context) =>
    options.get(context.caller(c).owner).model ?? (await application.catalogue()).default;
  routes.post("/sdapi/v1/unload-checkpoint", async (c) => {
    await application.unloadModel(await chosen(c));
    return c.json({});
  });
  routes.post("/sdapi/v1/reload-checkpoint", async (c) => {
    await application.loadModel(await chosen(c));
    return c.json({});
  });
}

/** All routes of webui's API, at the root of a server. Sizes of bodies and who may ask are the server's concern. */
export function makeWebuiRoutes(application: Application, context: RouteContext): Hono {
  const routes = new Hono();
  const shared = { application, context, tasks: new Tasks(application), options: new OptionsOfCallers() };
  for (const add of [addDrawing, addImages, addProgress, addOptions, addLists, addModels])
    add(routes, shared);
  for (const path of ["/sdapi/*", "/internal/*"]) routes.all(path, () => refuse(404, "Not Found"));
  routes.onError((error) => answerError(error));
  return routes;
}
