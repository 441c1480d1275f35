// The page: the prompt bar and the feed, and what opens over them.

import { slots } from "./features.js";
import { Feed } from "./feed/feed.jsx";
import { Toolbar } from "./feed/toolbar.jsx";
import { messages } from "./i18n/index.js";
import { Overlays } from "./parts/layers.jsx";
import { Sheets } from "./parts/sheets.jsx";
import { PromptBar } from "./prompt/prompt-bar.jsx";
import { LazyViewer } from "./viewer/lazy.jsx";

export function App() {
  const texts = messages();
  return (
    <div class="app">
      <a class="skip" href="#feed">
        {texts.skipToImages}
      </a>
      <aside class="side" aria-label={texts.draw}>
        <div class="brand">
          <img src="./icon.svg" alt="" width="24" height="24" />
          <span>Nishiki</span>
        </div>
        <PromptBar />
      </aside>
      <div class="content">
        <Toolbar />
        <Feed />
      </div>
      <LazyViewer />
      <Sheets />
      {slots.value.page.map((Slot, index) => (
        <Slot key={index} />
      ))}
      <Overlays />
    </div>
  );
}
