// OpenAI's interface for images, under /v1: what programs speak that draw with their API. Fields, events and errors are theirs;
// what the models here cannot do is refused with a reason.
import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Application } from "../application.js";
import { describeFailure } from "../http/errors.js";
import type { RouteContext } from "../route-context.js";
import { sendConverted } from "./converted-files.js";
import { draw } from "./draw.js";
import { Drawings } from "./drawings.js";
import { makeError, sendError } from "./errors.js";
import { describeModel, findModel, getUsable } from "./models.js";

/** Makes the routes of OpenAI's interface, to be mounted at /v1. */
export function makeOpenAiRoutes(application: Application, context: RouteContext): Hono {
  const app = new Hono();
  const drawings = new Drawings(application);
  const drawContext = { application, context, drawings };
  app.use(async (c, next) => {
    const start = performance.now();
    c.header("x-request-id", `req_${randomUUID().replaceAll("-", "")}`);
    await next();
    c.header("openai-processing-ms", String(Math.round(performance.now() - start)));
  });
  app.onError((error, c) => {
    const failure = describeFailure(error);
    if (failure !== undefined) context.log?.(failure);
    return sendError(c, error);
  });
  for (const endpoint of ["generations", "edits", "variations"] as const)
    app.post(`/images/${endpoint}`, (c) => draw(c, endpoint, drawContext));
  app.get("/images/files/:name", (c) => sendConverted(c, application));
  app.get("/models", async (c) => {
    const models = getUsable(await application.catalogue());
    return c.json({ object: "list", data: models.map((model) => describeModel(model)) });
  });
  app.get("/models/:id{.+}", async (c) => {
    const id = c.req.param("id");
    return c.json(describeModel(findModel(await application.catalogue(), id), id));
  });
  app.all("*", (c) => {
    const known = /\/images\/(?:generations|edits|variations)$|\/models(?:\/|$)/.test(c.req.path);
    const message = known
      ? `${c.req.path} does not take ${c.req.method}.`
      : `This server has no ${c.req.path}: of OpenAI's interface it has images and models.`;
    const { status, body } = makeError(known ? 405 : 404, message, { code: "unknown_url" });
    c.header("x-should-retry", "false");
    return c.json(body, status as 404);
  });
  return app;
}
