// The features beside the shell. To add one, call its `register` here: it registers actions, sheets and slots (features.ts), and
// loads what it shows on first use, so that it costs nothing before.
import { registerSheet } from "./features.js";
import { registerToolFeatures } from "./register-tools.js";

export function registerFeatures(): void {
  registerToolFeatures();
  registerSheet(
    {
      id: "settings",
      title: (texts) => texts.settings,
      form: "side",
      load: () => import("./settings/settings.jsx"),
    },
    {
      id: "palette",
      title: (texts) => texts.palette,
      form: "window",
      load: () => import("./actions/palette.jsx"),
    },
    {
      id: "keys",
      title: (texts) => texts.keys,
      form: "window",
      load: () => import("./actions/keys-sheet.jsx"),
    },
    {
      id: "emptyTrash",
      title: (texts) => texts.emptyTrash,
      form: "window",
      load: () => import("./settings/empty-trash.jsx"),
    },
    {
      id: "preferences",
      title: (texts) => texts.preferences,
      form: "side",
      load: () => import("./settings/preferences.jsx"),
    },
  );
}
