// Menus by the ARIA pattern: arrow keys, Home, End, first letters. One shared context menu for all images.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Action, type ActionContext, actions, isPossible } from "../actions/registry.js";
import { messages } from "../i18n/index.js";
import { Icon } from "./icon.jsx";
import { Keys } from "./keys.jsx";
import { isNarrow } from "./media.js";
import { place } from "./popover.jsx";

interface MenuState {
  readonly actions: readonly Action[];
  readonly context: ActionContext;
  readonly x: number;
  readonly y: number;
  readonly back: Element | null;
}

const menu = signal<MenuState | undefined>(undefined);

/** Opens a menu of actions at a point. */
export function openMenu(
  list: readonly Action[],
  context: ActionContext,
  at: { x: number; y: number },
): void {
  menu.value = {
    actions: list.filter((action) => isPossible(action, context)),
    context,
    ...at,
    back: document.activeElement,
  };
}

/** Opens the menu of everything that can be done with images. */
export function openImageMenu(context: ActionContext, at: { x: number; y: number }): void {
  openMenu(
    actions.peek().filter(({ needs }) => needs !== undefined),
    context,
    at,
  );
}

/** Moves the focus among the items, as the pattern says. */
function move(event: KeyboardEvent): void {
  const list = event.currentTarget as HTMLElement;
  const items = [...list.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const place = items.indexOf(document.activeElement as HTMLElement);
  const letter = event.key.length === 1 ? event.key.toLowerCase() : "";
  const byLetter = [...items.slice(place + 1), ...items.slice(0, place + 1)].find(
    (item) => letter !== "" && item.textContent?.trim().toLowerCase().startsWith(letter),
  );
  const target =
    {
      ArrowDown: items[(place + 1) % items.length],
      ArrowUp: items.at(place - 1),
      Home: items[0],
      End: items.at(-1),
    }[event.key] ?? byLetter;
  if (!target) return;
  event.preventDefault();
  target.focus();
}

export function Menu() {
  const panel = useRef<HTMLDivElement>(null);
  const state = menu.value;
  useEffect(() => {
    const element = panel.current;
    if (!state || !element) return;
    element.showPopover();
    if (isNarrow.peek()) element.removeAttribute("style");
    else place(element, { left: state.x, right: state.x, top: state.y, bottom: state.y });
    element.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [state]);
  if (!state) return null;
  const close = () => {
    menu.value = undefined;
    if (state.back instanceof HTMLElement) state.back.focus({ preventScroll: true });
  };
  const run = (action: Action) => {
    close();
    action.run(state.context);
  };
  return (
    <div
      ref={panel}
      class="popover menu"
      popover="auto"
      role="menu"
      aria-label={messages().menu}
      onKeyDown={move}
      onToggle={({ newState }: { readonly newState: string }) => {
        if (newState === "closed" && menu.peek() === state) close();
      }}
    >
      {state.actions.map((action) => (
        <button key={action.id} type="button" role="menuitem" tabIndex={-1} onClick={() => run(action)}>
          {action.icon ? <Icon name={action.icon} /> : <span class="icon" />}
          <span>{action.title(messages())}</span>
          {action.keys && <Keys of={action.keys[0]!} />}
        </button>
      ))}
    </div>
  );
}
