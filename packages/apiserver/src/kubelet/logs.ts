import { errors, type FieldError } from '@kubelab/api';
import type { Outcome } from '../core/messages.ts';
import type { Call } from '../registry/call.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { KubeletClient } from './client.ts';
import { containerOf, kubeletOf, podOf } from './locate.ts';

/** Options the kubelet knows; others are not passed on. */
const PASSED_ON = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
] as const;

/** GET pods/x/log: the kubelet's answer, passed through as it comes. */
export async function podLog(call: Call, kubelets: KubeletClient, lookup: Lookup): Promise<Outcome> {
  const { info, query, request } = call;
  checkOptions(call);
  const pod = await podOf(lookup, info);
  const container = containerOf(pod, query.get('container'));
  const { nodeName } = pod.spec;
  // Not on a node yet: there is nothing to tell, and no error either.
  if (!nodeName) return { kind: 'stream', code: 200, contentType: 'text/plain', body: nothing() };
  const options = new URLSearchParams();
  for (const name of PASSED_ON) {
    const value = query.get(name);
    if (value !== null) options.set(name, value);
  }
  const place = [info.namespace, info.name, container].map((part) => encodeURIComponent(part)).join('/');
  const path = `/containerLogs/${place}?${options.toString()}`;
  const body = await kubelets.get(kubeletOf(nodeName, lookup), path, request.signal);
  return { kind: 'stream', code: 200, contentType: 'text/plain', body: body as AsyncIterable<Uint8Array> };
}

function checkOptions({ query, info }: Call): void {
  const problems: FieldError[] = [];
  for (const [name, least] of [
    ['tailLines', 0],
    ['limitBytes', 1],
    ['sinceSeconds', 1],
  ] as const) {
    const text = query.get(name);
    if (text === null) continue;
    if (!/^-?\d{1,15}$/.test(text))
      throw errors.badRequest(`invalid value "${text.slice(0, 40)}" for query parameter "${name}"`);
    if (Number(text) < least) {
      problems.push({
        type: 'FieldValueInvalid',
        field: name,
        badValue: Number(text),
        detail: `must be greater than ${least === 0 ? 'or equal to 0' : '0'}`,
      });
    }
  }
  if (problems.length > 0) throw errors.invalid({ group: '', kind: 'PodLogOptions' }, info.name, problems);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
