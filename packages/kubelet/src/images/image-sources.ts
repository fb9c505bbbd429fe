import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import type Https from 'node:https';
import type { Agent } from 'node:https';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { archiveNames } from '../core/image-names.ts';

/** A place that has images as `docker save` archives. */
export interface ImageSource {
  readonly name: string;
  /** The id it has for this name; `any` where it cannot say; undefined when it has none. */
  lookUp(image: string): Promise<string | undefined>;
  archive(image: string): Promise<Readable>;
}

export const ANY_ID = 'any';

/** A folder of `<image with _ for / and :>.tar`. */
export function folderSource(folder: string): ImageSource {
  const find = async (image: string): Promise<string | undefined> => {
    for (const name of archiveNames(image)) {
      const path = join(folder, name);
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (isThere) return path;
    }
    return undefined;
  };
  return {
    name: folder,
    lookUp: async (image) => ((await find(image)) === undefined ? undefined : ANY_ID),
    async archive(image) {
      const path = await find(image);
      if (path === undefined) throw new Error(`no archive of ${image} in ${folder}`);
      return createReadStream(path);
    },
  };
}

export interface ImageServerOptions {
  /** `https://host:port`. */
  readonly endpoint: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const REQUEST_TIMEOUT_MS = 10_000;
const BODY_BYTES_MAX = 64 * 1024;

/**
 * The lab's image server: it hands out what the host's engine has.
 * `GET /v1/images/inspect?name=` gives `{id}` or 404, `GET /v1/images/save?name=` the archive.
 */
export async function serverSource(options: ImageServerOptions): Promise<ImageSource> {
  const https = await import('node:https');
  const { ca, cert, key, endpoint } = options;
  const agent = new https.Agent({ ca, cert, key, keepAlive: true, maxSockets: 4 });
  return {
    name: endpoint,
    async lookUp(image) {
      const { code, body } = await get(https, agent, endpoint, 'inspect', image);
      if (code === 404) {
        body.resume();
        return undefined;
      }
      const text = await textOf(body);
      if (code !== 200) throw new Error(`image server answered ${code}: ${text}`);
      const { id } = JSON.parse(text) as { id: string };
      return id;
    },
    async archive(image) {
      const { code, body } = await get(https, agent, endpoint, 'save', image);
      if (code !== 200) throw new Error(`image server answered ${code}: ${await textOf(body)}`);
      return body;
    },
  };
}

function get(
  https: Pick<typeof Https, 'get'>,
  agent: Agent,
  endpoint: string,
  what: string,
  image: string,
): Promise<{ code: number; body: Readable }> {
  const url = new URL(`/v1/images/${what}?name=${encodeURIComponent(image)}`, endpoint);
  return new Promise((resolve, reject) => {
    const request = https.get(url, { agent, timeout: REQUEST_TIMEOUT_MS }, (response) =>
      resolve({ code: response.statusCode ?? 0, body: response }),
    );
    request.on('timeout', () => request.destroy(new Error('image server does not answer')));
    request.on('error', reject);
  });
}

async function textOf(body: Readable): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) break;
  }
  return text.trim();
}
