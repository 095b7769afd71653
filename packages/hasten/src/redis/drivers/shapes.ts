/** The parts of node-redis and ioredis that are used, told apart by their looks: neither is imported. */
import type { RedisArgument } from "../types.ts";

type Listener = (...values: readonly unknown[]) => void;

interface Emitter {
  on(event: string, listener: Listener): unknown;
}

/** What `createClient()` of `redis` gives. */
export interface NodeRedisClient extends Emitter {
  readonly options?: unknown;
  readonly isReady: boolean;
  duplicate(overrides?: object): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  unref(): void;
  sendCommand(words: readonly RedisArgument[], options?: object): Promise<unknown>;
}

/** What `createClientPool()` of `redis` gives. */
export interface NodeRedisPool {
  execute<T>(work: (client: NodeRedisClient) => T): Promise<T>;
  readonly totalClients: number;
  readonly isOpen: boolean;
}

/** What `createCluster()` of `redis` gives. */
export interface NodeRedisCluster extends Emitter {
  duplicate(overrides?: object): NodeRedisCluster;
  connect(): Promise<unknown>;
  destroy(): void;
  /** Of each slot. */
  readonly slots: readonly unknown[];
  nodeClient(node: unknown): unknown;
}

/** What `createSentinel()` of `redis` gives. */
export interface NodeRedisSentinel {
  duplicate(overrides?: object): unknown;
  getSentinelNode(): unknown;
  getMasterNode(): unknown;
}

/** What `new Redis()` of `ioredis` gives, with Sentinel too. */
export interface IoRedisClient extends Emitter {
  readonly options: object;
  readonly status: string;
  readonly stream?: unknown;
  duplicate(overrides?: object): IoRedisClient;
  connect(): Promise<unknown>;
  disconnect(): void;
  callBuffer(name: RedisArgument, ...words: readonly RedisArgument[]): Promise<unknown>;
}

/** What `new Cluster()` of `ioredis` gives. */
export interface IoRedisCluster extends Emitter {
  readonly isCluster: true;
  readonly options?: unknown;
  readonly slots?: unknown;
  duplicate(startupNodes?: readonly never[], overrides?: object): IoRedisCluster;
  connect(): Promise<unknown>;
  disconnect(): void;
  nodes(role: "master"): readonly IoRedisClient[];
}

const has = (value: unknown, ...methods: readonly string[]): boolean =>
  typeof value === "object" &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function");

export const isIoRedisCluster = (value: unknown): value is IoRedisCluster =>
  has(value, "nodes", "duplicate", "callBuffer") && (value as IoRedisCluster).isCluster === true;

export const isIoRedisClient = (value: unknown): value is IoRedisClient =>
  has(value, "callBuffer", "duplicate", "disconnect") && !isIoRedisCluster(value);

export const isNodeRedisCluster = (value: unknown): value is NodeRedisCluster =>
  has(value, "duplicate", "getRandomNode", "nodeClient", "sendCommand");

export const isNodeRedisSentinel = (value: unknown): value is NodeRedisSentinel =>
  has(value, "duplicate", "getSentinelNode", "getMasterNode");

export const isNodeRedisPool = (value: unknown): value is NodeRedisPool =>
  has(value, "execute") && typeof (value as NodeRedisPool).totalClients === "number";

export const isNodeRedisClient = (value: unknown): value is NodeRedisClient =>
  has(value, "duplicate", "connect", "destroy", "sendCommand", "createPool");
