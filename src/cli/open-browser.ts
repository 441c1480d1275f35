// Opens a link in the user's browser, where there is a desktop.
import { spawn } from "node:child_process";

interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The command that opens a link; undefined where no desktop would show it: over SSH, on a server, in a container.
 */
export function findOpener({
  platform,
  env,
}: Surroundings): readonly [command: string, ...args: string[]] | undefined {
  if (env.SSH_CONNECTION || env.SSH_TTY || env.SSH_CLIENT || env.CI) return undefined;
  switch (platform) {
    case "darwin":
      return ["open"];
    case "win32":
      // The first quoted argument of start is a window's title.
      return ["cmd", "/c", "start", '""'];
    default:
      return env.DISPLAY || env.WAYLAND_DISPLAY ? ["xdg-open"] : undefined;
  }
}

/** Opens a link. A browser that does not start is no error: the link is printed too. */
export function openBrowser(link: string, surroundings: Surroundings = process): void {
  const opener = findOpener(surroundings);
  if (!opener) return;
  const [command, ...args] = opener;
  // On Windows, a shell reads the link: "&" would end the command.
  const last = surroundings.platform === "win32" ? link.replaceAll("&", "^&") : link;
  const child = spawn(command, [...args, last], {
    detached: true,
    stdio: "ignore",
    windowsVerbatimArguments: true,
  });
  child.on("error", () => {});
  child.unref();
}
