// All samplers by name, with the facts that help users choose.

import { unknownName } from "../../errors.js";
import { ddim } from "./ddim.js";
import { ddpm } from "./ddpm.js";
import { deis } from "./deis.js";
import { dpm2, dpm2Ancestral } from "./dpm2.js";
import { dpmpp2m } from "./dpmpp-2m.js";
import { dpmpp2mSde, dpmpp2mSdeHeun } from "./dpmpp-2m-sde.js";
import { dpmpp2sAncestral } from "./dpmpp-2s-ancestral.js";
import { dpmpp3m } from "./dpmpp-3m.js";
import { dpmpp3mSde } from "./dpmpp-3m-sde.js";
import { dpmppSde } from "./dpmpp-sde.js";
import { dpmpp2s, dpmpp3s } from "./dpmpp-single.js";
import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { heun } from "./heun.js";
import { lcm } from "./lcm.js";
import { lms } from "./lms.js";
import { pndm } from "./pndm.js";
import type { Sampler } from "./sampler.js";
import { tcd } from "./tcd.js";
import { uniPcBh1, uniPcBh2 } from "./unipc.js";

interface Row {
  /** The display name; used in the `parameters` text of images. */
  readonly label: string;
  /** Names in other programs, besides the name and the label. */
  readonly aliases: readonly string[];
  /** The convergence order in the step size; in distribution for stochastic samplers. */
  readonly order: number;
  /** Network evaluations per step (the last may need fewer). */
  readonly evaluationsPerStep: number;
  /** Additional evaluations in the first step. */
  readonly firstEvaluations: number;
  /**
   * Whether it adds noise during sampling, so that it needs options.noise and never converges as steps grow.
   */
  readonly stochastic: boolean;
  /** Whether it takes options.eta, the share of noise that is renewed. */
  readonly takesEta: boolean;
  readonly sample: Sampler;
}

const row = (sample: Sampler, label: string, aliases: string[], rest: Partial<Row>): Row => ({
  sample,
  label,
  aliases,
  order: 1,
  evaluationsPerStep: 1,
  firstEvaluations: 0,
  stochastic: false,
  takesEta: rest.stochastic ?? false,
  ...rest,
});

const rows = {
  euler: row(euler, "Euler", ["k_euler"], {}),
  "euler-ancestral": row(eulerAncestral, "Euler a", ["k_euler_a", "k_euler_ancestral"], { stochastic: true }),
  heun: row(heun, "Heun", ["k_heun"], { order: 2, evaluationsPerStep: 2 }),
  dpm2: row(dpm2, "DPM2", ["k_dpm_2"], { order: 2, evaluationsPerStep: 2 }),
  "dpm2-ancestral": row(dpm2Ancestral, "DPM2 a", ["k_dpm_2_a", "k_dpm_2_ancestral"], {
    order: 2,
    evaluationsPerStep: 2,
    stochastic: true,
  }),
  lms: row(lms, "LMS", ["k_lms"], { order: 2 }),
  "dpmpp-2s-ancestral": row(dpmpp2sAncestral, "DPM++ 2S a", ["k_dpmpp_2s_a", "k_dpmpp_2s_ancestral"], {
    order: 2,
    evaluationsPerStep: 2,
    stochastic: true,
  }),
  "dpmpp-2s": row(dpmpp2s, "DPM++ 2S", [], { order: 2 }),
  "dpmpp-3s": row(dpmpp3s, "DPM++ 3S", [], { order: 3 }),
  "dpmpp-2m": row(dpmpp2m, "DPM++ 2M", ["k_dpmpp_2m"], { order: 2 }),
  "dpmpp-3m": row(dpmpp3m, "DPM++ 3M", [], { order: 3 }),
  "dpmpp-2m-sde": row(dpmpp2mSde, "DPM++ 2M SDE", ["k_dpmpp_2m_sde"], { order: 2, stochastic: true }),
  "dpmpp-2m-sde-heun": row(dpmpp2mSdeHeun, "DPM++ 2M SDE Heun", ["k_dpmpp_2m_sde_heun"], {
    order: 2,
    stochastic: true,
  }),
  "dpmpp-sde": row(dpmppSde, "DPM++ SDE", ["k_dpmpp_sde"], { evaluationsPerStep: 2, stochastic: true }),
  "dpmpp-3m-sde": row(dpmpp3mSde, "DPM++ 3M SDE", ["k_dpmpp_3m_sde"], { order: 2, stochastic: true }),
  ddim: row(ddim, "DDIM", [], { takesEta: true }),
  ddpm: row(ddpm, "DDPM", [], { stochastic: true }),
  pndm: row(pndm, "PNDM", ["plms"], { order: 2, firstEvaluations: 1 }),
  tcd: row(tcd, "TCD", [], { stochastic: true }),
  lcm: row(lcm, "LCM", [], { stochastic: true, takesEta: false }),
  deis: row(deis, "DEIS", [], { order: 2 }),
  unipc: row(uniPcBh2, "UniPC", ["unipc_bh2"], { order: 3 }),
  "unipc-bh1": row(uniPcBh1, "UniPC bh1", [], { order: 3 }),
} satisfies Record<string, Row>;

export type SamplerName = keyof typeof rows;

export interface SamplerInfo extends Row {
  readonly name: SamplerName;
}

/** All samplers, in display order. */
export const samplers = Object.fromEntries(
  Object.entries(rows).map(([name, info]) => [name, { name, ...info }]),
) as Readonly<Record<SamplerName, SamplerInfo>>;

/** Simplifies a name: lower case without spaces and punctuation; "+" becomes "p". */
export function simplifyName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll("+", "p")
    .replaceAll(/[^a-z0-9]/g, "");
}

const known: ReadonlyMap<string, SamplerInfo> = new Map(
  Object.values(samplers).flatMap((info) =>
    [info.name, info.label, ...info.aliases].map((name) => [simplifyName(name), info] as const),
  ),
);

/** Finds a sampler by its simplified name, label or alias. */
export const findSampler = (simplified: string): SamplerInfo | undefined => known.get(simplified);

/**
 * Gets a sampler by name, label or alias: "DPM++ 2M", "dpmpp_2m" and "dpmpp-2m" mean the same. An unknown
 * name is a `usage` error with the choices.
 */
export function getSampler(name: string): SamplerInfo {
  const info = findSampler(simplifyName(name));
  if (info) return info;
  throw unknownName("sampler", name, Object.keys(samplers));
}
