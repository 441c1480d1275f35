// Starts the page.
import "./styles/index.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { registerCoreActions } from "./actions/core.js";
import { startKeys } from "./actions/keys.js";
import { App } from "./app.jsx";
import { messages, startLanguage } from "./i18n/index.js";
import { registerFeatures } from "./register.js";
import { SignIn } from "./sign-in.jsx";
import { draft } from "./store/draft.js";
import { startEvents } from "./store/events.js";
import { loadSettings, model } from "./store/models.js";
import { notify } from "./store/notices.js";
import { startProgressReports } from "./store/reports.js";
import { needsToken, startSession } from "./store/session.js";
import { loadViewer } from "./viewer/lazy.jsx";

const root = document.getElementById("app")!;

/** Asks for the model's settings whenever another model or IP-Adapter is chosen. */
function followModel(): void {
  let shown: string | undefined;
  effect(() => {
    const id = model.value?.id;
    const { ipAdapter } = draft.value.load;
    const key = JSON.stringify([id, ipAdapter]);
    if (id === undefined || key === shown) return;
    shown = key;
    void loadSettings(id, ipAdapter);
  });
}

function start(): void {
  startEvents();
  startProgressReports();
  followModel();
  render(<App />, root);
  setTimeout(loadViewer, 2000);
}

// After an update of the server, parts that this page would load now are gone.
addEventListener("vite:preloadError", (event) => {
  event.preventDefault();
  const { pageIsOld, reload } = messages();
  notify(pageIsOld, { isError: true, action: { label: reload, run: () => location.reload() } });
});

await startLanguage();
registerCoreActions();
registerFeatures();
startKeys();
await startSession();
if (needsToken.peek()) render(<SignIn onDone={start} />, root);
else start();
