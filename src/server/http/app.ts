// The HTTP application: the checks that every request passes, then the interfaces, each a router of its own.
import { Hono, type MiddlewareHandler } from "hono";
import { getPackageFile } from "../../engine/node.js";
import { quote, showText } from "../../errors.js";
import { apiVersion } from "../api/index.js";
import type { Application } from "../application.js";
import { makeOpenAiRoutes } from "../openai/index.js";
import { makeWebuiRoutes } from "../webui/index.js";
import { checkHost, checkOrigin, checkOrigins, type HostOptions } from "./access.js";
import { getOwner, makeAddressReader } from "./address.js";
import { checkBody } from "./body.js";
import type { HttpEnv, Log, NativeContext } from "./environment.js";
import { describeFailure, makeClosingRefusal, refuse, respondToError } from "./errors.js";
import { secureHeaders } from "./headers.js";
import { makeOpenApiDocument } from "./openapi.js";
import { mountRoutes, type Route } from "./route.js";
import { eventRoutes } from "./routes/events.js";
import { imageRoutes } from "./routes/images.js";
import { jobRoutes } from "./routes/jobs.js";
import { modelRoutes } from "./routes/models.js";
import { makeDocumentRoute, makeSessionRoute } from "./routes/server.js";
import { servePage } from "./static-page.js";
import { Gate } from "./token.js";

export interface HttpOptions extends HostOptions {
  /** Asked of every request but those for the page's files. */
  readonly token?: string;
  /** Origins of other pages that may use the interfaces, such as http://localhost:3000. */
  readonly cors?: readonly string[];
  /** Folder of the built page. */
  readonly page?: string;
  /** Takes one line per request. */
  readonly log?: Log;
  /** Takes what nobody foresaw: a message, or a stack trace. */
  readonly onTrouble?: Log;
  /** Ends long answers. */
  readonly closing?: AbortSignal;
}

const logRequests =
  (log: Log): MiddlewareHandler<HttpEnv> =>
  async (c, next) => {
    const started = performance.now();
    await next();
    const milliseconds = (performance.now() - started).toFixed(0);
    // The query is left out: it is what people search for.
    log(
      `${showText(c.req.method)} ${showText(c.req.path, { limit: 200 })} ${c.res.status} ${milliseconds} ms`,
    );
  };

/** Routes of the native interface, with what they share with the server. */
export function getNativeRoutes(gate?: Gate): readonly Route[] {
  let document: ReturnType<typeof makeOpenApiDocument> | undefined;
  const routes: Route[] = [
    ...modelRoutes,
    ...jobRoutes,
    ...eventRoutes,
    ...imageRoutes,
    makeSessionRoute(gate),
    makeDocumentRoute(async (application) => {
      document ??= makeOpenApiDocument(routes, (await application.capabilities()).version);
      return document;
    }),
  ];
  return routes;
}

/** The native routes as a table in Markdown, for people. */
export function describeRoutes(): string {
  const rows = getNativeRoutes().map(
    ({ method, path, summary }) => `| \`${method.toUpperCase()} ${path}\` | ${summary} |`,
  );
  return ["| route | |", "| --- | --- |", ...rows].join("\n");
}

/**
 * Makes the HTTP application: everything that a request meets behind the socket.
 * @throws NishikiError "usage" for a token or an origin that cannot be right
 */
export function makeHttpApp(application: Application, options: HttpOptions = {}): Hono<HttpEnv> {
  const {
    token,
    cors = [],
    page = getPackageFile("dist", "web"),
    onTrouble = () => {},
    log,
    closing,
  } = options;
  // Only a proxy gives this server another name on this machine.
  const getAddress = makeAddressReader({ isProxied: (options.allowedHosts ?? []).length > 0 });
  const context: NativeContext = {
    caller: (c) => ({ owner: getOwner(getAddress(c)) }),
    onTrouble,
    closing: closing ?? new AbortController().signal,
  };
  const gate = token === undefined ? undefined : new Gate(token, getAddress);
  const guard = gate?.guard();
  const session = `/api/${apiVersion}/session`;

  const app = new Hono<HttpEnv>();
  app.onError((error, c) => {
    const failure = describeFailure(error);
    // The application may be closed already: its parts fail in ways of their own then.
    if (failure !== undefined && context.closing.aborted) return respondToError(makeClosingRefusal(), c);
    if (failure !== undefined) onTrouble(failure);
    return respondToError(error, c);
  });
  app.use(secureHeaders);
  app.use(async (_, next) => {
    if (context.closing.aborted) throw makeClosingRefusal();
    await next();
  });
  if (log) app.use(logRequests(log));
  app.use(checkHost(options), servePage(page));
  app.use(checkOrigin(checkOrigins(cors)), checkBody);
  app.use(async (c, next) => {
    if (guard && c.req.path !== session) return guard(c, next);
    return next();
  });
  app.route(`/api/${apiVersion}`, mountRoutes(getNativeRoutes(gate), application, context));
  app.route("/v1", makeOpenAiRoutes(application, context));
  app.route("/", makeWebuiRoutes(application, context));
  app.notFound((c) =>
    refuse(
      404,
      `There is nothing at ${quote(c.req.path)}; /api/${apiVersion}/openapi.json lists what there is.`,
    ),
  );
  return app;
}
