import { z } from "zod";
import { PASSWORD_LENGTH_MAX } from "../auth/password.ts";
import { ROLES } from "../auth/tokens.ts";
import { components, stored, text } from "./common.ts";

export const email = z.email().max(320).toLowerCase();

const userFields = {
  email: email.describe("Unique; kept in lower case."),
  name: text(200),
  role: z.enum(ROLES),
  active: z.boolean().default(true),
  team: z.string().max(200).nullable().default(null),
};

const password = z
  .string()
  .min(10)
  .max(PASSWORD_LENGTH_MAX)
  .optional()
  .describe("Write only. Without one the user cannot log in; leaving it out keeps the old one.");

export const userInput = z.strictObject({ ...userFields, password });
components.add(userInput, { id: "UserInput" });

export const user = z.object({ ...userFields, ...stored });
components.add(user, { id: "User" });

export const credentials = z.strictObject({
  email,
  password: z.string().min(1).max(PASSWORD_LENGTH_MAX),
});
components.add(credentials, { id: "Credentials" });

export const grantedToken = z.object({
  token: z.string().describe("Send it as `Authorization: Bearer <token>`."),
  token_type: z.literal("Bearer"),
  expires_in: z.int().describe("Seconds."),
});
components.add(grantedToken, { id: "GrantedToken" });
