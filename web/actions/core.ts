// The actions of the shell.
import { drawing, queueing } from "./draw-actions.js";
import { working } from "./image-actions.js";
import { recalling } from "./recall-actions.js";
import { registerActions } from "./registry.js";
import { viewing } from "./view-actions.js";

export function registerCoreActions(): void {
  registerActions(...drawing, ...queueing, ...working, ...recalling, ...viewing);
}
