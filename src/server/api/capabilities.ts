// What this server can do: for clients that adapt to it.
import { z } from "../../schema/index.js";

const choice = z.object({ name: z.string(), label: z.string(), aliases: z.array(z.string()) });

export const capabilitiesSchema = z.object({
  name: z.literal("Nishiki"),
  version: z.string(),
  api: z.string(),
  device: z.string(),
  threads: z.int(),
  memory: z.object({ total: z.int(), free: z.int() }),
  samplers: z.array(choice),
  schedules: z.array(choice),
  upscalers: z.array(z.object({ name: z.string(), label: z.string(), factors: z.array(z.number()) })),
  limits: z.object({
    count: z.int(),
    uploadBytes: z.int(),
    imagePixels: z.int(),
    promptCharacters: z.int(),
  }),
  features: z.array(z.string()).meta({ description: "such as train, evaluate, workers" }),
  workers: z.int().meta({ description: "processes that draw, on all machines" }),
});
export type Capabilities = Readonly<z.output<typeof capabilitiesSchema>>;
