import { Readable } from 'node:stream';
import { RuntimeError } from '../types.ts';
import { call, type Engine, httpCodeOf } from './engine.ts';
import { pauseElf } from './pause-elf.ts';

export const PAUSE_IMAGE = 'kubelab/pause:1';
const HTTP_NOT_FOUND = 404;

/** The image of the pause container; imported once for each engine, for the engine's own architecture. */
export async function ensurePauseImage(engine: Engine): Promise<string> {
  try {
    await engine.getImage(PAUSE_IMAGE).inspect();
    return PAUSE_IMAGE;
  } catch (error) {
    if (httpCodeOf(error) !== HTTP_NOT_FOUND) return call(Promise.reject(error));
  }
  const { Arch } = await call(engine.version());
  const elf = pauseElf(Arch);
  if (elf === undefined) throw new RuntimeError('refused', `there is no pause program for ${Arch}`);
  const { pack } = await import('tar-stream');
  const tar = pack();
  tar.entry({ name: 'pause', mode: 0o755, mtime: new Date(0) }, elf);
  tar.finalize();
  const [repo, tag] = PAUSE_IMAGE.split(':');
  const progress = await call(
    engine.importImage(Readable.from(tar), { fromSrc: '-', repo, tag, changes: 'ENTRYPOINT ["/pause"]' }),
  );
  for await (const _ of progress); // the import is done when its progress ends
  return PAUSE_IMAGE;
}
