import { HastenError } from "../../core/errors.ts";

export const policyContradicts = (what: string, fix: string): HastenError =>
  new HastenError("HST_HTTP_POLICY", what, fix);
