// German: the texts of the editor, compare, sweeps, models and training.
import type { enTools } from "./en-tools.js";
import type { Translated } from "./index.js";

export const deTools: Translated<typeof enTools> = {};
