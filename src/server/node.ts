// The part of the room that runs the server (node).
export { type ApplicationOptions, createApplication } from "./node-application.js";
