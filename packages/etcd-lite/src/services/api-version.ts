import { isUtf8 } from 'node:buffer';
import { EtcdError } from '../core/errors.ts';
import type { Guard } from './routes.ts';

/** etcd counts its clients by the version that they name, and refuses what is no text. Headers come as latin1. */
export const apiVersionGuard: Guard = (_request, call) => {
  const version = call.header('client-api-version');
  if (version !== undefined && !isUtf8(Buffer.from(version, 'latin1')))
    throw new EtcdError('invalidClientApiVersion');
};
