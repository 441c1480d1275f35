// The routes about the interface itself: its document, and the page's session.
import { z } from "../../../schema/index.js";
import type { Application } from "../../application.js";
import { type Route, route } from "../route.js";
import type { Gate } from "../token.js";

/** @param gate undefined if the server has no token */
export const makeSessionRoute = (gate: Gate | undefined): Route =>
  route({
    tag: "server",
    method: "post",
    path: "/session",
    summary: "Exchange the token for a cookie",
    description: "For pages: image tags and event streams cannot send the header Authorization.",
    body: z.strictObject({ token: z.string().max(200) }),
    answers: { 204: { description: "the cookie is set" }, 401: { description: "the token is wrong" } },
    handle({ c, body }) {
      gate?.signIn(c, body.token);
      return c.body(null, 204);
    },
  });

export const makeDocumentRoute = (
  getDocument: (application: Application) => Promise<Readonly<Record<string, unknown>>>,
): Route =>
  route({
    tag: "server",
    method: "get",
    path: "/openapi.json",
    summary: "Get this document",
    answers: { 200: { description: "OpenAPI 3.1", schema: z.record(z.string(), z.unknown()) } },
    handle: async ({ application, c }) => c.json(await getDocument(application)),
  });
