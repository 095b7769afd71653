export { type CutRule, type FaultyProxy, faultyProxy, type ProxyMode } from "./faulty-proxy.ts";
