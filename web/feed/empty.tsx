// The feed before the first image: examples that draw at once with the embedded model, and how to add others.
import { formatNumber, messages } from "../i18n/index.js";
import { changeDraft, drawDraft } from "../store/draft.js";
import { setFilter } from "../store/images.js";
import { catalogue, model } from "../store/models.js";
import { openSheet } from "../store/ui.js";
import cat from "./examples/cat.webp";
import fox from "./examples/fox.webp";
import mushroom from "./examples/mushroom.webp";
import sailboat from "./examples/sailboat.webp";

/** Prompts that the embedded model draws well, and what it drew. */
const examples: readonly (readonly [prompt: string, image: string])[] = [
  ["blue cat against a sunset background", cat],
  ["sailboat, woodblock", sailboat],
  ["fox, snow, flat", fox],
  ["mushroom, meadow, watercolour", mushroom],
];

export function Empty() {
  const texts = messages();
  const draw = (prompt: string) => {
    changeDraft({ prompt });
    void drawDraft();
  };
  const hasOthers = catalogue.value.models.length > 1;
  return (
    <section class="empty">
      <h2>{texts.emptyTitle}</h2>
      <p>{texts.emptyText}</p>
      <div class="examples">
        {examples.map(([prompt, image]) => (
          <button key={prompt} type="button" class="example" onClick={() => draw(prompt)}>
            <img src={image} alt="" width="256" height="256" />
            <span>{prompt}</span>
          </button>
        ))}
      </div>
      <p class="muted">
        {hasOthers
          ? texts.modelsFound(formatNumber(catalogue.value.models.length), model.value?.name ?? "")
          : texts.addModels}{" "}
        <button type="button" class="link" onClick={() => openSheet("models")}>
          {texts.models}
        </button>
      </p>
    </section>
  );
}

export function NothingFound() {
  const texts = messages();
  return (
    <section class="empty">
      <h2>{texts.nothingFound}</h2>
      <p>
        <button type="button" class="link" onClick={() => setFilter({})}>
          {texts.showAll}
        </button>
      </p>
    </section>
  );
}
