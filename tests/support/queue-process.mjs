// A server or a worker of the queue without a model, for tests that kill it:
// node queue-process.mjs server|worker FOLDER [DATABASE_URL]. Its drawer waits, and its images are texts.
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { writeFileAtomic } from "../../dist/checkpoint/node.js";
import { openDatabase, openShared } from "../../dist/server/database/index.js";
import { openJobQueue, openWorkerQueue } from "../../dist/server/queue/index.js";

const [role, folder, url = ""] = process.argv.slice(2);

async function drawOne(job, index, { report }, signal) {
  const { milliseconds, count } = job.request;
  for (let step = 1; step <= 4; step++) {
    await wait(milliseconds / 4);
    if (signal.aborted) return false;
    const fraction = (index + step / 4) / count;
    const progress = { stage: "base", index, count, step, steps: 4, fraction, secondsLeft: null };
    await report({ kind: "progress", progress, preview: new Uint8Array([step]) });
  }
  await report({ kind: "image", index, png: new TextEncoder().encode(`${job.id}:${index}`) });
  return true;
}

const worker = {
  loaded: () => [],
  async run(job, reporter, signal) {
    const { count, input } = job.request;
    if (input) await reporter.image(input);
    for (let index = 0; index < count; index++)
      if (!(await drawOne(job, index, reporter, signal))) return { state: "cancelled" };
    return { state: "done" };
  },
};

function onTrouble(error) {
  if (process.env.NISHIKI_TEST_TROUBLE) console.error(role, String(error?.message ?? error).slice(0, 300));
}

async function serve() {
  const database = await openDatabase({ folder, url });
  const queue = await openJobQueue({
    database,
    folder,
    onTrouble,
    readImage: async () => new Uint8Array([1]),
  });
  const images = join(folder, "images");
  mkdirSync(images, { recursive: true });
  queue.onChange(async (change) => {
    if (change.kind !== "work" || change.event.kind !== "image") return;
    const { png } = change.event;
    await writeFileAtomic(join(images, `${createHash("sha256").update(png).digest("hex")}.png`), png);
  });
  if (process.env.NISHIKI_TEST_IDLE !== "1") queue.work(worker);
  const answers = {
    create: ({ record }) => queue.create(record),
    cancel: ({ id }) => queue.cancel(id),
    pauseAll: ({ paused }) => queue.pauseAll(paused),
    list: ({ query }) => queue.list(query),
    close: async () => {
      await queue.close();
      await database.close();
    },
  };
  process.on("message", async ({ number, ask, ...rest }) => {
    try {
      process.send({ number, answer: await answers[ask](rest) });
      if (ask === "close") process.disconnect();
    } catch (error) {
      process.send({ number, error: String(error?.message ?? error) });
    }
  });
}

async function help() {
  const database = await openShared(url);
  const queue = await openWorkerQueue(database, onTrouble);
  const stop = queue.work(worker);
  process.on("message", async ({ number }) => {
    await stop();
    await queue.close();
    await database.close();
    process.send({ number });
    process.disconnect();
  });
}

await (role === "server" ? serve() : help());
process.send({ ready: true });
