import { Trust } from "../../core/trust.ts";

/** The mutant without heartbeats: trusts until an error is reported. For tests that must notice. */
export class UnaskedTrust extends Trust {
  override get confirmed(): boolean {
    return !this.ended;
  }

  override ageMs(): number {
    return 0;
  }
}
