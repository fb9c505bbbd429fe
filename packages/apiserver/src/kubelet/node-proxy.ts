import type { Outcome } from '../core/messages.ts';
import type { Call } from '../registry/call.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { KubeletClient } from './client.ts';
import { kubeletOf } from './locate.ts';

/** GET nodes/x/proxy/…: what the kubelet tells about itself (stats, pods, metrics), read through the API server. */
export async function nodeProxy(call: Call, kubelets: KubeletClient, lookup: Lookup): Promise<Outcome> {
  const { info, query, request } = call;
  const path = `/${info.rest.map((part) => encodeURIComponent(part)).join('/')}`;
  const text = query.toString();
  const body = await kubelets.get(
    kubeletOf(info.name, lookup),
    text === '' ? path : `${path}?${text}`,
    request.signal,
  );
  const contentType = body.headers['content-type'] ?? 'application/octet-stream';
  return {
    kind: 'stream',
    code: body.statusCode ?? 200,
    contentType,
    body: body as AsyncIterable<Uint8Array>,
  };
}
