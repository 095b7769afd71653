export {
  type Command,
  type Config,
  ConfigError,
  type CursorKey,
  type StorageMode,
} from "./config.ts";
export { envExample, helpText } from "./documentation.ts";
export { type Environment, loadConfig } from "./load.ts";
