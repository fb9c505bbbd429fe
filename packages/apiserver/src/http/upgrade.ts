import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { errors } from '@kubelab/api';
import type { ApiRequest } from '../core/messages.ts';
import { connectToKubelet } from '../kubelet/upgrade.ts';
import type { ApiServer } from '../server.ts';

const UPGRADED = new Set(['exec', 'attach', 'portforward']);

/**
 * Upgrades go through the same stages as every request, then to the kubelet. Refusals are thrown as ApiError.
 */
export function upgradeHandler(server: ApiServer) {
  return async (request: ApiRequest, raw: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const { call } = await server.pipeline.admit(request);
    const isPod = call.resource.group === '' && call.resource.resource === 'pods';
    if (!isPod || !UPGRADED.has(call.info.subresource)) throw errors.badRequest('this cannot be upgraded');
    // A WebSocket begins as a GET: whoever may only read must not get to write by it.
    if (call.info.verb !== 'create') await call.mayAlso('create');
    await connectToKubelet(call, { raw, socket, head }, server);
  };
}
