import type { Readable } from 'node:stream';
import { errors } from '@kubelab/api';

/** Upstream's limit of a request body. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** Collects a body. Throws ApiError 413 beyond the limit. */
export function readBody(source: Readable, bytesMax = BODY_BYTES_MAX): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        source.pause();
        reject(errors.requestEntityTooLarge(`limit is ${bytesMax}`));
        return;
      }
      chunks.push(chunk);
    });
    source.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    source.once('error', () => reject(errors.badRequest('the body ended too early')));
    source.once('close', () => reject(errors.badRequest('the body ended too early')));
  });
}
