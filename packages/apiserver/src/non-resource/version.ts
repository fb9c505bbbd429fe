import { jsonBody } from '../respond/body.ts';
import type { NonResourceRoute } from './handler.ts';

/** The API served, in the words clients parse; the build metadata says whose it is. */
export const VERSION = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0+kubelab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const;

export function versionRoute(): NonResourceRoute {
  return {
    path: '/version',
    handle: () => jsonBody(200, { ...VERSION, goVersion: process.version }, { pretty: true }),
  };
}
