import { Writable } from 'node:stream';
import { podContainers, type PodObject, type PodRuntime } from '../core/types.ts';
import type { PodDeps } from './deps.ts';

const FALLBACK_LINES = 80;
const FALLBACK_BYTES = 2048;

/** Collects what ended containers left at their terminationMessagePath, or the end of their log where that is asked for. */
export async function readLastWords(
  deps: PodDeps,
  pod: PodObject,
  runtime: PodRuntime,
  into: Map<string, string>,
): Promise<void> {
  for (const record of runtime.containers) {
    if (record.state !== 'exited' || into.has(record.id)) continue;
    const container = podContainers(pod).find(({ spec }) => spec.name === record.name)?.spec;
    let text = await deps.volumes.terminationMessage(pod.metadata.uid, record.name, record.attempt);
    const fallsBack = container?.terminationMessagePolicy === 'FallbackToLogsOnError';
    if (text === '' && fallsBack && record.exitCode !== 0) text = await logTail(deps, record.id, record.tty);
    // Without a message of its own the engine's reason (it could not start) is told.
    if (text !== '' || record.error === undefined) into.set(record.id, text);
  }
}

async function logTail(deps: PodDeps, id: string, tty: boolean): Promise<string> {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text = (text + chunk.toString('utf8')).slice(-FALLBACK_BYTES);
      done();
    },
  });
  const options = { follow: false, timestamps: false, tailLines: FALLBACK_LINES, sinceMs: undefined, tty };
  await deps.runtime.logs(id, options, { stdout: sink, stderr: sink }, AbortSignal.timeout(5_000));
  return text;
}
