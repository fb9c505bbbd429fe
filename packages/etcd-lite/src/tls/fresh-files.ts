import { statSync } from 'node:fs';
import type { Logger } from '@kubelab/component-base';

/**
 * What files say, read again when one of them has changed since the last call: as etcd, which reads its
 * certificates for each handshake. While they cannot be read, or do not make sense (the certificate is new, its
 * key not yet), what was there before stays in force.
 */
export function freshFiles<T>(paths: readonly string[], read: () => T, log: Logger): () => T {
  let last = read();
  let seen = stampsOf(paths);
  return () => {
    const now = stampsOf(paths);
    if (now === seen) return last;
    seen = now;
    try {
      last = read();
      log.info('read new certificates', { paths });
    } catch (err) {
      log.warn('new certificates cannot be used; the old ones stay', { paths, err });
    }
    return last;
  };
}

/** Of a file that is replaced, another number; of one that is rewritten, another time. */
function stampsOf(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? '-' : `${stat.ino}/${stat.size}/${stat.mtimeMs}`;
    })
    .join(' ');
}
