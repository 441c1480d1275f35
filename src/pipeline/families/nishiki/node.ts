// Nishiki's own models as a row of the table of families (node).
import type { Family } from "../node-family.js";
import { describeModel } from "./node-describe.js";
import { openNishikiModel } from "./node-model.js";

/** Folders with a `model.json`: the models that this project trains, the embedded one among them. */
export const nishikiFamily: Family = {
  id: "nishiki",
  title: "Nishiki",
  loadOptions: ["lora", "allowPartialLora"],
  detect: ({ entries }) => entries.has("model.json"),
  open: ({ path }, options) => openNishikiModel(path, options),
  describe: ({ path }) => describeModel(path),
};
