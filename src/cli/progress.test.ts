import { describe, expect, it } from "vitest";
import { formatProgress, formatSeconds, makeProgress } from "./progress.js";

/** A stream that keeps what is written to it. */
function terminal(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

describe("progress", () => {
  it.each([
    [0, "0.0 s"],
    [0.44, "0.4 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [75, "1 min 15 s"],
    [7260, "2 h 1 min"],
  ])("tells %d seconds as %s", (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it("fits into the terminal, however narrow", () => {
    for (let columns = 1; columns < 100; columns++) {
      const line = formatProgress("Picture 10 of 12", 7, 20, 3.2, columns);
      expect(line.length).toBeLessThan(Math.max(2, columns));
    }
    expect(formatProgress("Drawing", 5, 10, 1.25, 60)).toBe(
      "Drawing  ━━━━━━━━━━━━━━━───────────────  5/10  1.3 s left",
    );
  });

  it("is drawn over on a terminal, and told line by line elsewhere", () => {
    const screen = terminal(true);
    const drawn = makeProgress(false, screen.stream);
    drawn.show("Drawing", 1, 2, 1);
    drawn.say("done");
    const [state, ...rest] = screen.written;
    expect(state).toMatch(/Drawing .*1\/2 {2}1\.0 s left$/);
    expect(rest.join("")).toBe("\r\x1b[Kdone\n");

    const file = terminal(false);
    const told = makeProgress(false, file.stream);
    told.show("Drawing", 1, 2, 1);
    told.say("done");
    told.clear();
    expect(file.written).toEqual(["done\n"]);
  });

  it("says nothing but warnings when quiet", () => {
    const screen = terminal(true);
    const quiet = makeProgress(true, screen.stream);
    quiet.show("Drawing", 1, 2);
    quiet.say("done");
    quiet.warn("left out: dog");
    quiet.clear();
    expect(screen.written).toEqual(["left out: dog\n"]);
  });
});
