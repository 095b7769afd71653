import { z } from "zod";
import { attributes, components, stored, text, uuid } from "./common.ts";

export const timeframe = z
  .string()
  .regex(/^\d{4}(-Q[1-4])?$/, 'must be a year ("2026") or a quarter ("2026-Q1")');

export const objectiveInput = z.strictObject({
  name: text(200),
  description: z.string().max(4_000),
  domain_id: uuid.describe("An existing domain."),
  timeframe,
  target: z.number().nullable().default(null),
  status: z.enum(["draft", "active", "done"]).default("draft"),
  metric_ids: z.array(uuid).max(100).default([]),
  attributes: attributes.default({}),
});
components.add(objectiveInput, { id: "ObjectiveInput" });

export const objective = z.object({ ...objectiveInput.shape, ...stored });
components.add(objective, { id: "Objective" });
