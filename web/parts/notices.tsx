// Notices at the edge of the screen, and the region that screen readers hear.
import { messages } from "../i18n/index.js";
import { announcement, closeNotice, type Notice, notices } from "../store/notices.js";
import { Icon } from "./icon.jsx";

function Toast({ notice }: { readonly notice: Notice }) {
  const { id, text, isError, action } = notice;
  return (
    <div class={isError ? "toast error" : "toast"}>
      {isError && <Icon name="warning" />}
      <p>{text}</p>
      {action && (
        <button
          type="button"
          class="link"
          onClick={() => {
            closeNotice(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" class="icon-button" aria-label={messages().close} onClick={() => closeNotice(id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

export function Notices() {
  return (
    <>
      <div class="toasts" role="status">
        {notices.value.map((notice) => (
          <Toast key={notice.id} notice={notice} />
        ))}
      </div>
      <div class="hidden" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}
