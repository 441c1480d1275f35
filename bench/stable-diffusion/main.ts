// `npm run bench:sd -- --model FOLDER`: Stable Diffusion at full size beside PyTorch with diffusers, OpenVINO and
// stable-diffusion.cpp, each in a process of its own, turn and turn about. bench/peers/README.md says how to get the peers.
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../cost.js";
import { describeMachine, table } from "../report.js";
import { findPrograms, type Row, type Settings, type Subject, subjects, withScratch } from "./programs.js";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    /** Folder of a tiny autoencoder (TAESD); left out, neither it nor a whole image in one step is measured. */
    tiny: { type: "string" },
    /** A model for one step, such as SD-Turbo; left out, its image is not measured. */
    turbo: { type: "string" },
    part: { type: "string", multiple: true },
    /** How often each program has its turn, and runs in each turn after one that warms up. */
    rounds: { type: "string", default: "5" },
    samples: { type: "string", default: "1" },
    /** Of a whole image; 0 for none. */
    steps: { type: "string", default: "0" },
    threads: { type: "string", default: String(availableParallelism()) },
    /** A Python with torch and diffusers, and with openvino. */
    python: { type: "string" },
    /** stable-diffusion.cpp's program, and what else it shall be told. */
    "sd-cli": { type: "string" },
    "sd-argument": { type: "string", multiple: true, default: [] },
    /** How often it has its turn: it draws whole images, of which its log gives the parts. */
    "sd-rounds": { type: "string", default: "1" },
    /** Hold all networks, in place of one stage after another. */
    "keep-loaded": { type: "boolean", default: false },
    prepared: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
if (!values.model) throw new Error("--model: expected a folder as diffusers lays it out.");
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
const say = (text: string) => process.stderr.write(`${text}\n`);

function readSettings(scratch: string): Settings {
  const { model, tiny, turbo, python } = values;
  return {
    model: resolve(model!),
    ...(tiny && { tiny: resolve(tiny) }),
    ...(turbo && { turbo: resolve(turbo) }),
    samples: Number(values.samples),
    threads: Number(values.threads),
    steps: Number(values.steps),
    ...(python && { python }),
    ...(values["sd-cli"] && { sdCli: values["sd-cli"] }),
    sdArguments: values["sd-argument"],
    sdRounds: Number(values["sd-rounds"]),
    keepLoaded: values["keep-loaded"],
    scratch,
  };
}

/** What is measured, and why the rest is not. */
function chooseSubjects({ tiny, turbo, steps }: Settings): readonly Subject[] {
  const missing: Partial<Record<Subject, string>> = {
    ...(!tiny && { tiny: "--tiny names no folder" }),
    ...((!tiny || !turbo) && { turbo: "it needs --turbo and --tiny" }),
    ...(steps === 0 && { picture: "--steps is 0" }),
  };
  const asked = values.part ?? subjects;
  const unknown = asked.find((name) => !subjects.includes(name as Subject));
  if (unknown) throw new Error(`--part: expected ${subjects.join(", ")}, got ${unknown}.`);
  for (const part of subjects)
    if (asked.includes(part) && missing[part]) say(`${part}: not measured (${missing[part]}).`);
  return subjects.filter((part) => asked.includes(part) && !missing[part]);
}

/** One row for each program and part: medians of the rounds, and the highest peak. */
function merge(rows: readonly Row[]): readonly Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${subjects.indexOf(row.part)} ${row.program}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const merged = [...groups.values()].map((group): Row => {
    const numbers = (key: "seconds" | "loadSeconds" | "matmulGflops" | "peakGigabytes") =>
      group.flatMap((row) => row[key] ?? []);
    const middle = (key: Parameters<typeof numbers>[0]) => {
      const found = numbers(key);
      return found.length === 0 ? undefined : median(found);
    };
    const peaks = numbers("peakGigabytes");
    return {
      ...group[0]!,
      seconds: middle("seconds")!,
      loadSeconds: middle("loadSeconds"),
      matmulGflops: middle("matmulGflops"),
      peakGigabytes: peaks.length === 0 ? undefined : Math.max(...peaks),
    };
  });
  return merged.sort((a, b) => subjects.indexOf(a.part) - subjects.indexOf(b.part));
}

const fixed = (value: number | undefined, digits: number) =>
  value === undefined ? "" : value.toFixed(digits);

function format(rows: readonly Row[]): string[] {
  const flopOf = new Map(rows.flatMap(({ part, gflop }) => (gflop ? [[part, gflop] as const] : [])));
  const ours = new Map(
    rows.flatMap(({ part, program, seconds }) => (program === "Nishiki" ? [[part, seconds] as const] : [])),
  );
  const lines = rows.map((row) => {
    const gflop = flopOf.get(row.part);
    const rate = gflop && gflop / row.seconds;
    const share = rate && row.matmulGflops ? `${Math.round((100 * rate) / row.matmulGflops)}%` : "";
    const own = ours.get(row.part);
    return [
      row.part,
      row.program,
      fixed(row.seconds, 2),
      own === undefined ? "" : `${(row.seconds / own).toFixed(2)}×`,
      fixed(rate, 0),
      fixed(row.matmulGflops, 0),
      share,
      fixed(row.loadSeconds, 1),
      fixed(row.peakGigabytes, 2),
      fixed(row.residentGigabytes, 2),
    ];
  });
  const head = ["part", "program", "seconds", "of Nishiki's", "GFLOP/s", "MatMul 1024³", "share", "load s"];
  return table([[...head, "peak GB", "stays GB"], ...lines]);
}

async function measureAll(settings: Settings): Promise<readonly Row[]> {
  const chosen = chooseSubjects(settings);
  const programs = findPrograms(settings, { prepared: values.prepared, skip: say });
  const rows: Row[] = [];
  const failed = new Set<string>();
  for (let round = 1; round <= Number(values.rounds); round++)
    for (const part of chosen)
      for (const { name, measures, rounds: most = Number.POSITIVE_INFINITY, measure } of programs) {
        if (!measures.includes(part) || failed.has(`${name} ${part}`) || round > most) continue;
        say(`Round ${round}, ${name}: ${part} …`);
        try {
          rows.push(...(await measure(part)));
        } catch (error) {
          if (name === "Nishiki") throw error;
          // A peer that cannot do one of them leaves the others to be compared.
          failed.add(`${name} ${part}`);
          say(`${name}: ${part} is not measured (${(error as Error).message}).`);
        }
      }
  return merge(rows);
}

const machine = describeMachine(version);
const rows = await withScratch((scratch) => measureAll(readSettings(scratch)));
const { rounds, samples, threads, steps } = values;
const report = { date: new Date().toISOString(), machine, threads, rounds, samples, steps, rows };
const text = `${JSON.stringify(report, null, 2)}\n`;
const { processor, cores, loadBefore, node } = machine;
const about = `${processor}, ${cores} cores, ${threads} threads, load ${loadBefore} before; Node ${node}, ONNX Runtime ${version}; medians of ${rounds} rounds`;
process.stdout.write(values.json ? text : [about, "", ...format(rows), "", text].join("\n"));
