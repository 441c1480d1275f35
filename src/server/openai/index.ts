export { makeOpenAiRoutes } from "./routes.js";
