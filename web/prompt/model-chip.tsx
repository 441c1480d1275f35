// The model: its name, and the others that are there, with their sizes and whether they fit.

import type { ModelInfo } from "../api/types.js";
import { formatBytes, messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { Popover } from "../parts/popover.jsx";
import { changeDraft } from "../store/draft.js";
import { catalogue, model } from "../store/models.js";
import { openSheet } from "../store/ui.js";

export function ModelChip() {
  const texts = messages();
  return (
    <Popover
      name={texts.modelIs(model.value?.name ?? "")}
      class="chip model-chip"
      panelClass="list"
      label={
        <>
          <Icon name="cube" />
          <span class="ellipsis">{model.value?.name ?? "…"}</span>
        </>
      }
    >
      {(close) => (
        <>
          <div role="radiogroup" aria-label={texts.model}>
            {catalogue.value.models.map((one) => (
              <ModelRow key={one.id} one={one} close={close} />
            ))}
          </div>
          <button
            type="button"
            class="row"
            onClick={() => {
              close();
              openSheet("models");
            }}
          >
            <Icon name="settings" />
            {texts.allModels}
          </button>
        </>
      )}
    </Popover>
  );
}

function ModelRow({ one, close }: { readonly one: ModelInfo; readonly close: () => void }) {
  const texts = messages();
  const trouble = one.problem ?? (one.fits.fits ? null : (one.fits.reason ?? texts.doesNotFit));
  const choose = () => {
    changeDraft({ model: one.id });
    close();
  };
  return (
    <button
      type="button"
      role="radio"
      class="row model-row"
      aria-checked={one.id === model.value?.id}
      disabled={one.state === "broken"}
      onClick={choose}
    >
      <span class={`dot ${one.state}`} title={texts.modelStates[one.state]} />
      <span class="model-name">
        <span>{one.name}</span>
        <span class="muted">
          {one.what} · {formatBytes(one.bytes)}
        </span>
        {trouble && <span class="warning">{trouble}</span>}
      </span>
      {one.id === model.value?.id && <Icon name="check" />}
    </button>
  );
}
