// Notices at the edge of the screen, and the region that screen readers hear.
import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { announcement, closeNotice, type Notice, notices } from "../store/notices.js";
import { sheet, viewed } from "../store/ui.js";
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

/**
 * A modal dialog makes everything outside of it inert and lies over it: the notices are in whichever dialog is on top, in a
 * root of their own that moves.
 */
export function Notices() {
  useEffect(() => {
    const host = document.createElement("div");
    render(<List />, host);
    const page = document.querySelector(".app")!;
    let frame = 0;
    const move = () => {
      const top = [...document.querySelectorAll("dialog:modal")].at(-1) ?? page;
      if (host.parentElement !== top) top.append(host);
    };
    const stop = effect(() => {
      void [notices.value, announcement.value, sheet.value, viewed.value];
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(move);
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
      render(null, host);
    };
  }, []);
  return null;
}

function List() {
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
