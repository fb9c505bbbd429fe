import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from './channels.ts';

/** What the client asked for in the query: only these streams exist. */
export interface RemoteCommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** With a terminal there is one output: stderr is never set. */
  readonly tty: boolean;
}

/** The `v1.Status` that ends a session: what kubectl turns into its own exit code. */
export interface RemoteCommandStatus {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] };
}

/**
 * One exec or attach, seen from the server. It says nothing of the wire: WebSocket channels make one in
 * `websocket-session.ts`, and SPDY streams can make one beside it.
 */
export interface RemoteCommandSession {
  /** Ends when the client closes its stdin or goes away; undefined when none was asked for. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Sizes that came before the handler was set are given to it at once (the last one). */
  onResize(handler: (size: TerminalSize) => void): void;
  /** Aborted when the client is gone: nobody reads any more. */
  readonly signal: AbortSignal;
  /** Sends the status after everything written so far, then closes. Only the first call counts. */
  finish(status: RemoteCommandStatus): Promise<void>;
}

export const success: RemoteCommandStatus = { metadata: {}, status: 'Success' };

/** What an exit code means to the client: zero is success, anything else is `NonZeroExitCode`. */
export function exitStatus(exitCode: number): RemoteCommandStatus {
  if (exitCode === 0) return success;
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

export function failure(message: string): RemoteCommandStatus {
  return { metadata: {}, status: 'Failure', reason: 'InternalError', message, code: 500 };
}

/** `true` and `1` switch a stream on; kubectl says stdin/stdout/stderr, the API server may say input/output/error. */
export function remoteCommandOptions(query: URLSearchParams): RemoteCommandOptions {
  const isOn = (...names: string[]) => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  const tty = isOn('tty');
  return {
    stdin: isOn('stdin', 'input'),
    stdout: isOn('stdout', 'output'),
    stderr: isOn('stderr', 'error') && !tty,
    tty,
  };
}
