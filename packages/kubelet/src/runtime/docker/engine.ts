import type Dockerode from 'dockerode';
import { errorMessage } from '@kubelab/component-base';
import { RuntimeError } from '../types.ts';

export type Engine = Dockerode;

/** dockerode is loaded only where the Docker runtime is chosen: it costs time and memory. */
export async function connectEngine(endpoint: string): Promise<Engine> {
  const { default: Docker } = await import('dockerode');
  return new Docker({ socketPath: endpoint.replace(/^unix:\/\//, '') });
}

const HTTP_NOT_MODIFIED = 304;
const HTTP_NOT_FOUND = 404;
const HTTP_CONFLICT = 409;

export function httpCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Runs one engine call and gives its failure our form. */
export async function call<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw runtimeError(error);
  }
}

/** For stop, kill and remove: gone, stopped already or being removed by somebody else is done. */
export async function callUnlessDone(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    const code = httpCodeOf(error);
    if (code !== HTTP_NOT_MODIFIED && code !== HTTP_NOT_FOUND && code !== HTTP_CONFLICT)
      throw runtimeError(error);
  }
}

export function runtimeError(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const code = httpCodeOf(error);
  const reason = code === undefined ? 'down' : code === HTTP_NOT_FOUND ? 'not-found' : 'refused';
  return new RuntimeError(reason, engineMessage(error), { cause: error });
}

/** The engine's own words, without dockerode's `(HTTP code 409) conflict - ` before them. */
function engineMessage(error: unknown): string {
  return errorMessage(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim();
}
