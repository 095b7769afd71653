import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  retry,
  wrap,
} from "cockatiel";
import { mayConnectLater, reasonOf } from "./failures.ts";
import type { ResolvedOptions } from "./options.ts";

/** Payload of the channel `hasten:postgres:pool`. */
export interface PoolEvent {
  readonly kind:
    | "connected"
    | "removed"
    | "lost"
    | "retry"
    | "breaker-opened"
    | "breaker-closed"
    | "acquire-timeout"
    | "pooler"
    | "hook-failed"
    /** A replica became fit for reads, or unfit; `because` names it and says why. */
    | "replica";
  readonly database: string;
  /** Reason without host, user or password, where there is one. */
  readonly because?: string;
}

/** Publishes a pool event, if anyone listens. */
export type Emit = (kind: PoolEvent["kind"], because?: string) => void;

/** The policy for establishing a connection: jittered exponential back-off around a breaker. */
export function establishing(
  options: ResolvedOptions,
  emit: Emit,
): { policy: IPolicy; breaker: CircuitBreakerPolicy } {
  const { retry: r } = options;
  const patient = retry(handleWhen(mayConnectLater), {
    maxAttempts: r.connectRetries,
    backoff: new ExponentialBackoff({
      generator: decorrelatedJitterGenerator,
      initialDelay: r.delayMs,
      maxDelay: r.delayMaxMs,
    }),
  });
  const breaker = circuitBreaker(handleWhen(mayConnectLater), {
    halfOpenAfter: r.breakerOpenMs,
    breaker: new ConsecutiveBreaker(r.breakerFailures),
  });
  patient.onRetry((why) => emit("retry", "error" in why ? reasonOf(why.error) : undefined));
  breaker.onBreak((why) =>
    emit("breaker-opened", why && "error" in why ? reasonOf(why.error) : ""),
  );
  breaker.onReset(() => emit("breaker-closed"));
  return { policy: wrap(patient, breaker), breaker };
}
