// --plan and --plan-file, for the embedded model as it lies in the package: no weights are loaded.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openModel } from "../pipeline/node.js";
import { loadPlanner, planRequests, planWithSuggestions } from "./plan-requests.js";

const folder = await mkdtemp(join(tmpdir(), "nishiki-plan-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const requests = (...prompts: string[]) => ({
  requests: prompts.map((prompt) => ({ prompt, seed: 3 })),
  notices: ["first"],
});

it("replaces prompts by what can be drawn of them, and says so once", async () => {
  const model = await openModel();
  const planned = await planRequests(
    requests("a robot riding a bicycle", "a robot riding a bicycle", "a lake"),
    () => loadPlanner(model),
    {
      plan: true,
    },
  );
  expect(planned.requests).toEqual([
    { prompt: "a robot on a bicycle", seed: 3 },
    { prompt: "a robot on a bicycle", seed: 3 },
    { prompt: "a duck by a lake", seed: 3 },
  ]);
  expect(planned.notices.slice(0, 2)).toEqual(["first", 'Drawn as: "a robot on a bicycle".']);
  expect(planned.notices.filter((notice) => /robot/.test(notice))).toHaveLength(1);
  const same = requests("a lake");
  expect(await planRequests(same, () => loadPlanner(model), {})).toEqual(same);
});

it("suggests what comes nearest to words that are not known", async () => {
  const planner = await loadPlanner(await openModel());
  const { sentences, prompt } = await planWithSuggestions(planner, "a cat with a harpsichord");
  expect(prompt).toBe("a cat");
  expect(sentences[1]).toMatch(/^The closest to "harpsichord" that this model draws: .*"piano"/);
  expect(await planner.suggest!(planner.plan("a cat"))).toEqual([]);
});

it("draws a plan that was changed, and refuses what cannot be planned", async () => {
  const model = await openModel();
  const file = join(folder, "plan.json");
  await writeFile(file, JSON.stringify({ things: [{ name: "cat", colour: "green" }], style: "pencil" }));
  const { requests: drawn } = await planRequests(requests("anything"), () => loadPlanner(model), {
    planFile: file,
  });
  expect(drawn[0]!.prompt).toBe("a green cat, pencil drawing");
  await expect(
    planRequests(requests("a portrait of a woman"), () => loadPlanner(model), { plan: true }),
  ).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/no people/),
  });
  for (const prompt of ["a cat AND a dog", "a [cat:dog:0.5]", "[cat|dog]"])
    await expect(planRequests(requests(prompt), () => loadPlanner(model), { plan: true })).rejects.toThrow(
      /expected a prompt of words/,
    );
  await writeFile(file, "{");
  await expect(planRequests(requests("x"), () => loadPlanner(model), { planFile: file })).rejects.toThrow(
    /not valid JSON/,
  );
  await expect(planRequests(requests("x"), () => loadPlanner({}), { plan: true })).rejects.toThrow(
    /needs no plan/,
  );
});
