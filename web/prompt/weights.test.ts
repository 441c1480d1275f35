// Weights by keys: the same steps as the programs that made these keys known.
import { describe, expect, it } from "vitest";
import { changeWeight, findLooseBracket, movePart } from "./weights.js";

/** Applies a key to a text with a selection written as "a [blue] cat" or a cursor "a bl|ue cat". */
function press(marked: string, direction: 1 | -1): string | undefined {
  const start = marked.search(/[|«]/);
  const end = marked.includes("|") ? start : marked.indexOf("»") - 1;
  const text = marked.replace(/[|«»]/g, "");
  const edit = changeWeight(text, start, end, direction);
  return (
    edit &&
    `${edit.text.slice(0, edit.start)}«${edit.text.slice(edit.start, edit.end)}»${edit.text.slice(edit.end)}`
  );
}

describe("changeWeight", () => {
  it("wraps the word at the cursor", () => {
    expect(press("a bl|ue cat", 1)).toBe("a («blue»:1.1) cat");
    expect(press("a blue| cat", -1)).toBe("a («blue»:0.9) cat");
  });

  it("wraps a selection without the white space around it", () => {
    expect(press("a« blue cat »runs", 1)).toBe("a («blue cat»:1.1) runs");
  });

  it("changes brackets that are there, in steps of 0.1", () => {
    expect(press("a (bl|ue:1.1) cat", 1)).toBe("a («blue»:1.2) cat");
    expect(press("a («blue»:1.2) cat", 1)).toBe("a («blue»:1.3) cat");
    expect(press("a (blue |cat:1.35) runs", -1)).toBe("a («blue cat»:1.25) runs");
  });

  it("takes the brackets away again at exactly 1", () => {
    expect(press("a (bl|ue:1.1) cat", -1)).toBe("a «blue» cat");
    expect(press("a (bl|ue:0.9) cat", 1)).toBe("a «blue» cat");
  });

  it("reads brackets without a number as 1.1", () => {
    expect(press("a (bl|ue) cat", 1)).toBe("a («blue»:1.2) cat");
    expect(press("a (bl|ue) cat", -1)).toBe("a «blue» cat");
  });

  it("takes steps of 0.05 in angle brackets, and keeps them", () => {
    expect(press("a <lora:st|yle:0.8> cat", 1)).toBe("a <«lora:style»:0.85> cat");
    expect(press("a <lora:st|yle:0.95> cat", 1)).toBe("a <«lora:style»:1.0> cat");
  });

  it("takes the innermost brackets", () => {
    expect(press("((in|ner:1.2) outer:1.3)", 1)).toBe("((«inner»:1.3) outer:1.3)");
    expect(press("((inner:1.2) ou|ter:1.3)", 1)).toBe("(«(inner:1.2) outer»:1.4)");
  });

  it("wraps a word inside brackets that hold more", () => {
    expect(press("(a «blue» cat:1.2)", 1)).toBe("(a («blue»:1.1) cat:1.2)");
  });

  it("ignores escaped brackets", () => {
    expect(press(String.raw`a \(bl|ue\) cat`, 1)).toBe(
      String.raw`a \(«blue»:1.1)\) cat`.replace("\\(«", "\\((«"),
    );
  });

  it("does nothing where no word is", () => {
    expect(press("a , | cat", 1)).toBeUndefined();
    expect(press("|", 1)).toBeUndefined();
  });

  it("comes back to the text after as many steps down as up", () => {
    let edit = { text: "a blue cat", start: 3, end: 3 };
    for (const direction of [1, 1, 1, 1, -1, -1, -1, -1] as const)
      edit = changeWeight(edit.text, edit.start, edit.end, direction)!;
    expect(edit.text).toBe("a blue cat");
  });
});

describe("movePart", () => {
  it("changes places with the part beside it", () => {
    expect(movePart("cat, blue, sunset", 6, -1)).toEqual({ text: "blue, cat, sunset", start: 0, end: 4 });
    expect(movePart("cat, blue, sunset", 6, 1)).toEqual({ text: "cat, sunset, blue", start: 13, end: 17 });
    expect(movePart("cat, blue", 0, -1)).toBeUndefined();
  });
});

describe("findLooseBracket", () => {
  it("finds the first bracket without a partner", () => {
    expect(findLooseBracket("a (blue cat")).toEqual({ sign: "(", at: 2 });
    expect(findLooseBracket("a blue) cat")).toEqual({ sign: ")", at: 6 });
    expect(findLooseBracket("(a [b) c]")).toEqual({ sign: ")", at: 5 });
    expect(findLooseBracket("<lora:x:1 cat")).toEqual({ sign: "<", at: 0 });
  });

  it("accepts pairs, escapes and faces", () => {
    for (const text of ["((a) [b])", String.raw`\(a`, "I <3 cats", "5 > 4", "<lora:x:1> (a:1.2)"])
      expect(findLooseBracket(text)).toBeUndefined();
  });
});
