// Deleting for good: the one thing that cannot be undone, and so the one that asks.
import { messages } from "../i18n/index.js";
import { emptyTrash, feedTotal } from "../store/images.js";
import { closeSheet } from "../store/ui.js";

export default function EmptyTrash() {
  const texts = messages();
  return (
    <div class="settings">
      <p>{texts.emptyTrashText(feedTotal.value)}</p>
      <div class="trouble-actions">
        <button
          type="button"
          class="button"
          onClick={() => {
            closeSheet();
            void emptyTrash();
          }}
        >
          {texts.emptyTrash}
        </button>
        <button type="button" class="button quiet" autofocus onClick={closeSheet}>
          {texts.cancel}
        </button>
      </div>
    </div>
  );
}
