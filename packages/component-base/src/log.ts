import { pino } from 'pino';

/** One JSON object a line on stderr: `{ts, level, component, msg, …}`. The message is a constant, data goes into fields. */
export interface Logger {
  error(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  debug(msg: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
/** `err` may hold an Error: its message and stack are written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where lines go: a file's path, or a descriptor (2: stderr). */
export type LogOutput = string | number;

/** A logger for one process. `--v` of upstream maps to levels: 0 to 3 info, from 4 on debug. */
export function createLogger(
  component: string,
  level: LogLevel = 'info',
  outputs: readonly LogOutput[] = [2],
): Logger {
  const destinations = outputs.map((dest) => pino.destination({ dest, sync: true, mkdir: true }));
  const base = pino(
    {
      level,
      base: { component },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // The cause by itself: pino's own choice says it once more, behind a message that mostly has it already.
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destinations.length === 1 && destinations[0] !== undefined
      ? destinations[0]
      : pino.multistream(destinations.map((stream) => ({ stream, level: 'trace' as const }))),
  );
  return wrap(base);
}

function wrap(base: pino.Logger): Logger {
  return {
    error: (msg, fields = {}) => base.error(fields, msg),
    warn: (msg, fields = {}) => base.warn(fields, msg),
    info: (msg, fields = {}) => base.info(fields, msg),
    debug: (msg, fields = {}) => base.debug(fields, msg),
    child: (fields) => wrap(base.child(fields)),
  };
}

/** For tests and for libraries that nobody gave a logger. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};

/** A value that must never be printed: JSON and string forms show `***`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toJSON(): string {
    return '***';
  }
  toString(): string {
    return '***';
  }
}

/** The message of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
