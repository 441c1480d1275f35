import { describe, expect, it } from "vitest";
import { findOpener } from "./open-browser.js";

describe("findOpener", () => {
  it("needs a desktop", () => {
    expect(findOpener({ platform: "linux", env: { DISPLAY: ":0" } })).toEqual(["xdg-open"]);
    expect(findOpener({ platform: "linux", env: { WAYLAND_DISPLAY: "wayland-0" } })).toEqual(["xdg-open"]);
    expect(findOpener({ platform: "linux", env: {} })).toBeUndefined();
    expect(findOpener({ platform: "darwin", env: {} })).toEqual(["open"]);
    expect(findOpener({ platform: "win32", env: {} })?.[0]).toBe("cmd");
  });

  it("opens nothing over SSH or in CI, whatever desktop is forwarded", () => {
    for (const name of ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "CI"])
      for (const platform of ["linux", "darwin", "win32"] as const)
        expect(findOpener({ platform, env: { DISPLAY: ":10", [name]: "1" } })).toBeUndefined();
  });
});
