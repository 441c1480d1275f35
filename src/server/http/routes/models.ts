// The server itself and its models.
import { unknownName } from "../../../errors.js";
import { z } from "../../../schema/index.js";
import {
  capabilitiesSchema,
  catalogueIdSchema,
  catalogueSchema,
  explanationForecastRequestSchema,
  explanationForecastSchema,
  forecastRequestSchema,
  forecastSchema,
  modelSchema,
  planAnswerSchema,
  planRequestSchema,
  promptReadingSchema,
  promptRequestSchema,
  textUpTo,
  tokensRequestSchema,
  tokensSchema,
} from "../../api/index.js";
import type { Application } from "../../application.js";
import { refuse } from "../errors.js";
import { type Route, route } from "../route.js";

const aboutModel = { tag: "models", id: catalogueIdSchema, noun: "model" } as const;
const catalogueAnswer = {
  200: { description: "models, and what can be added to them", schema: catalogueSchema },
};

/** A model that is named in the query or the body, and is not there. */
async function refuseModel(application: Application, model = ""): Promise<never> {
  const { models } = await application.catalogue();
  const ids = models.map(({ id }) => id);
  return refuse(404, unknownName("model", model, ids).message);
}

export const modelRoutes: readonly Route[] = [
  route({
    tag: "server",
    method: "get",
    path: "/capabilities",
    summary: "Get what this server can do",
    answers: { 200: { description: "what this server can do", schema: capabilitiesSchema } },
    handle: async ({ application, c }) => c.json(await application.capabilities()),
  }),
  route({
    tag: "models",
    method: "get",
    path: "/settings",
    summary: "Get the settings that a model takes",
    query: z.strictObject({
      model: textUpTo(200).optional().meta({ description: "id of a model; the default if left out" }),
      ipAdapter: textUpTo(200).optional().meta({
        description: "id of an IP-Adapter that is loaded beside it, which adds settings",
      }),
    }),
    answers: {
      200: {
        description: "JSON Schema of its requests, with its defaults and sizes",
        schema: z.record(z.string(), z.unknown()),
      },
    },
    async handle({ application, c, query: { model, ipAdapter } }) {
      const schema = await application.requestSchema(model, ipAdapter);
      return schema ? c.json(schema) : refuseModel(application, model);
    },
  }),
  route({
    tag: "models",
    method: "post",
    path: "/plans",
    summary: "Plan what a model can draw of a prompt",
    description:
      "Models of few words, such as the embedded one, draw only what they were trained on. The plan of a prompt says what that is, as JSON that can be changed and sent back, and as a prompt to draw. Nothing is drawn.",
    body: planRequestSchema,
    answers: { 200: { description: "the plan and its prompt", schema: planAnswerSchema } },
    async handle({ application, c, body }) {
      const answer = await application.planPrompt(body);
      return answer ? c.json(answer) : refuseModel(application, body.model);
    },
  }),
  route({
    tag: "models",
    method: "post",
    path: "/tokens",
    summary: "Count a prompt's tokens",
    description: "With the model's own tokenizer, without loading its weights.",
    body: tokensRequestSchema,
    answers: { 200: { description: "tokens, and how many fit into a text", schema: tokensSchema } },
    async handle({ application, c, body }) {
      const count = await application.countTokens(body);
      return count ? c.json(count) : refuseModel(application, body.model);
    },
  }),
  route({
    tag: "models",
    method: "post",
    path: "/forecast",
    summary: "Forecast what a request would take",
    description:
      "Counted from the model's networks and from how fast this machine was before. Draws nothing and loads no weights.",
    body: forecastRequestSchema,
    answers: {
      200: { description: "seconds, memory, and what helps if it is not enough", schema: forecastSchema },
    },
    async handle({ application, c, body }) {
      const forecast = await application.forecast(body);
      return forecast ? c.json(forecast) : refuseModel(application, body.model);
    },
  }),
  route({
    tag: "models",
    method: "post",
    path: "/forecast/explanation",
    summary: "Forecast what explaining an image would take",
    description: "Panel by panel, counted as for drawing. Draws nothing and loads no weights.",
    body: explanationForecastRequestSchema,
    answers: {
      200: { description: "seconds and memory of each panel", schema: explanationForecastSchema },
    },
    handle: async ({ application, c, body }) => c.json(await application.forecastExplanation(body)),
  }),
  route({
    tag: "models",
    method: "post",
    path: "/prompts",
    summary: "Read the parameters of a prompt",
    description:
      "Parameters and permutations as Midjourney's users write them, `a {red, blue} cat --no grass --seed 7`, as the settings that come closest for a model. Nothing is drawn: create a job of each request.",
    body: promptRequestSchema,
    answers: {
      200: {
        description: "what the prompt asks for, and what each parameter does here",
        schema: promptReadingSchema,
      },
    },
    async handle({ application, c, body }) {
      const reading = await application.readPrompt(body);
      return reading ? c.json(reading) : refuseModel(application, body.model);
    },
  }),
  route({
    tag: "models",
    method: "get",
    path: "/models",
    summary: "List models",
    answers: catalogueAnswer,
    handle: async ({ application, c }) => c.json(await application.catalogue()),
  }),
  route({
    tag: "models",
    method: "post",
    path: "/models/refresh",
    summary: "Look at the models folders again",
    answers: catalogueAnswer,
    handle: async ({ application, c }) => c.json(await application.refreshCatalogue()),
  }),
  route({
    tag: "models",
    method: "post",
    path: "/models/unload",
    summary: "Free the memory of all models",
    answers: { 204: { description: "done" } },
    async handle({ application, c }) {
      await application.unloadModel();
      return c.body(null, 204);
    },
  }),
  route({
    ...aboutModel,
    method: "post",
    path: "/models/{id}/load",
    summary: "Load a model, so that the first image is not slower",
    answers: { 200: { description: "the model", schema: modelSchema } },
    async handle({ application, c, id }) {
      const model = await application.loadModel(id);
      return model && c.json(model);
    },
  }),
  route({
    ...aboutModel,
    method: "post",
    path: "/models/{id}/unload",
    summary: "Free the memory of a model",
    answers: { 204: { description: "done" } },
    async handle({ application, c, id }) {
      const { models } = await application.catalogue();
      if (!models.some((model) => model.id === id)) return undefined;
      await application.unloadModel(id);
      return c.body(null, 204);
    },
  }),
];
