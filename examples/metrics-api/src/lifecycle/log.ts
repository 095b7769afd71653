/** One line for each event on the console: a sentence, then its fields as JSON. */
export interface Log {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

export function consoleLog(name = ""): Log {
  const line = (message: string, fields?: object): string =>
    `${name}${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`;
  return {
    info: (message, fields) => console.log(line(message, fields)),
    warn: (message, fields) => console.warn(line(message, fields)),
    error: (message, fields) => console.error(line(message, fields)),
  };
}
