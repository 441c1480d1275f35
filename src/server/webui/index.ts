export { makeWebuiRoutes } from "./routes.js";
