import { z } from "zod";
import { attributes, components, stored, text } from "./common.ts";

export const domainInput = z.strictObject({
  name: text(200).describe("Unique."),
  description: z.string().max(4_000),
  owner_team: text(200),
  contact_email: z.email().max(320).nullable().default(null),
  attributes: attributes.default({}),
});
components.add(domainInput, { id: "DomainInput" });

export const domain = z.object({ ...domainInput.shape, ...stored });
components.add(domain, { id: "Domain" });
