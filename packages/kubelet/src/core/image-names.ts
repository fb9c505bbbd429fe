/** Names of images: what stands before the registry's path, and file names for them. Pure. */
import type { RegistryCredentials } from '../runtime/types.ts';

const DEFAULT_REGISTRY = 'docker.io';

/** `quay.io/a/b:1` → `quay.io`; `nginx` → `docker.io`. */
export function registryOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  const isHost = image.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? first : DEFAULT_REGISTRY;
}

/** With `:latest` where neither tag nor digest is given. */
export function withTag(image: string): string {
  if (image.includes('@')) return image;
  const last = image.slice(image.lastIndexOf('/') + 1);
  return last.includes(':') ? image : `${image}:latest`;
}

const NAME_PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const HOST_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REFERENCE = new RegExp(
  `^(?:${HOST_PART}(?:\\.${HOST_PART})*(?::\\d+)?/)?${NAME_PART}(?:/${NAME_PART})*` +
    '(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$',
);

/** Why no engine would understand the name, in the words of distribution's parser; undefined when it is fine. */
export function imageNameProblem(image: string): string | undefined {
  if (REFERENCE.test(image)) return undefined;
  const format = 'invalid reference format';
  if (!REFERENCE.test(image.toLowerCase())) return format;
  const repository = withTag(image)
    .replace(/@.*$/, '')
    .replace(/:[^/]*$/, '');
  const path = repository.includes('/') ? repository : `library/${repository}`;
  return `${format}: repository name (${path}) must be lowercase`;
}

/** File names, without the folder, under which an archive of the image may lie. */
export function archiveNames(image: string): string[] {
  const names = [withTag(image), image].map((name) => `${name.replaceAll(/[/:@]/g, '_')}.tar`);
  return [...new Set(names)];
}

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { readonly username?: string; readonly password?: string; readonly auth?: string }>
  >;
}

/** The credentials for an image out of `.dockerconfigjson` texts; the first that names its registry. */
export function credentialsFor(image: string, configs: readonly string[]): RegistryCredentials | undefined {
  const registry = registryOf(image);
  for (const text of configs) {
    const { auths = {} } = JSON.parse(text) as DockerConfig;
    for (const [server, entry] of Object.entries(auths)) {
      const host = server.replace(/^https?:\/\//, '').split('/')[0];
      const isHub =
        registry === DEFAULT_REGISTRY && (host === 'index.docker.io' || host === DEFAULT_REGISTRY);
      if (host !== registry && !isHub) continue;
      const [username = '', ...rest] = Buffer.from(entry.auth ?? '', 'base64')
        .toString('utf8')
        .split(':');
      return {
        server,
        username: entry.username ?? username,
        password: entry.password ?? rest.join(':'),
      };
    }
  }
  return undefined;
}

/** IfNotPresent, except for `:latest` or no tag: the API sets it, this is for pods that it never saw. */
export function pullPolicyOf(container: {
  readonly image?: string | undefined;
  readonly imagePullPolicy?: string | undefined;
}): string {
  return (
    container.imagePullPolicy ??
    (withTag(container.image ?? '').endsWith(':latest') ? 'Always' : 'IfNotPresent')
  );
}
