import { describe, expect, it } from "vitest";
import { makeLayerTest } from "./pattern.js";

const layers = [
  "to_q",
  "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
  "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
  "mid_block.attentions.0.transformer_blocks.0.ff.net.2",
  "up_blocks.10.resnets.1.conv1",
  "not_to_q",
];

describe("patterns of layers' names", () => {
  // PEFT's rule in the language's own expressions: re.match(rf"(.*\.)?({pattern})$", name).
  it.each([
    "to_q",
    "^to_q",
    "attn1.to_q",
    "down_blocks.*to_q",
    "(down|up)_blocks\\.\\d+\\..*(to_[qk]|conv1)",
    "up_blocks\\.\\d{1,2}\\.resnets\\.[0-9]+\\.conv1",
    ".*",
    "x|to_k",
    "(?:ff\\.)?net\\.2",
    "[^.]+",
    "transformer_blocks.0.\\w+.to_q$",
    "(to_q)+?",
    "conv1{1}",
  ])("match as in the reference: %s", (pattern) => {
    const test = makeLayerTest(pattern);
    const reference = new RegExp(`^(.*\\.)?(${pattern})$`);
    for (const layer of layers) expect([layer, test(layer)]).toEqual([layer, reference.test(layer)]);
  });

  it.each(["(?=x)", "\\b", "(a)\\1", "(", "a)", "[a", "*", "a**", "x{99}", "((((((a))))))", "a".repeat(600)])(
    "are refused where they are no plain expressions: %s",
    (pattern) => {
      expect(() => makeLayerTest(pattern)).toThrow(/is not supported: use a plain regular expression/);
    },
  );

  it("end where the language's own engine would not", () => {
    const layer = `${"a".repeat(300)}!`;
    for (const pattern of ["(a+)+b", "(a|aa)+b", "((a*)*)*b", "(.*)(.*)(.*)(.*)(.*)(.*)b"])
      expect(makeLayerTest(pattern)(layer)).toBe(false);
  });
});
