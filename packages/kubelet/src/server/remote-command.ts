import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  acceptRemoteCommand,
  exitStatus,
  failure,
  isWebSocketUpgrade,
  refuseUpgrade,
  remoteCommandOptions,
  success,
} from '@kubelab/streams';
import { errorMessage } from '@kubelab/component-base';
import { newestByName, type PodObject } from '../core/types.ts';
import type { Runtime } from '../runtime/types.ts';

export interface RemoteCommandRequest {
  readonly what: 'exec' | 'attach';
  readonly pod: PodObject;
  readonly container: string;
  readonly query: URLSearchParams;
}

/** Serves exec and attach on an upgraded connection. SPDY/3.1 has its place here, beside WebSocket. */
export async function serveRemoteCommand(
  runtime: Runtime,
  { what, pod, container, query }: RemoteCommandRequest,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  if (!isWebSocketUpgrade(request)) {
    refuseUpgrade(socket, 501, 'only WebSocket upgrades are served: use kubectl 1.30 or newer');
    return;
  }
  const { containers } = await runtime.listPods(pod.metadata.uid);
  const record = newestByName(containers).get(container);
  if (record?.state !== 'running') {
    refuseUpgrade(socket, 404, `container not found ("${container}")`);
    return;
  }
  const options = remoteCommandOptions(query);
  const session = await acceptRemoteCommand(request, socket, head, options);
  if (session === undefined) return;
  try {
    if (what === 'attach') {
      await runtime.attach(record.id, session);
      await session.finish(success);
    } else {
      const code = await runtime.exec(record.id, query.getAll('command'), options.tty, session);
      await session.finish(exitStatus(code));
    }
  } catch (error) {
    await session.finish(failure(errorMessage(error)));
  }
}
