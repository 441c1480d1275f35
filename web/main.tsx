// Starts the page.
import "./styles/index.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { registerCoreActions } from "./actions/core.js";
import { startKeys } from "./actions/keys.js";
import { App } from "./app.jsx";
import { startLanguage } from "./i18n/index.js";
import { registerFeatures } from "./register.js";
import { startEvents } from "./store/events.js";
import { loadSettings, model } from "./store/models.js";
import { startProgressReports } from "./store/reports.js";
import { loadViewer } from "./viewer/lazy.jsx";

await startLanguage();
registerCoreActions();
registerFeatures();
startKeys();
startEvents();
startProgressReports();
let shown: string | undefined;
effect(() => {
  const id = model.value?.id;
  if (id === undefined || id === shown) return;
  shown = id;
  void loadSettings(id);
});
render(<App />, document.getElementById("app")!);
setTimeout(loadViewer, 2000);
