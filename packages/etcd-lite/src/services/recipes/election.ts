import { type CallInfo, RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import {
  type CampaignRequest,
  type CampaignResponse,
  type ElectionResponse,
  EventType,
  type KeyValue,
  type LeaderKey,
  type LeaderRequest,
  type LeaderResponse,
  prefixEnd,
  type ProclaimRequest,
  type ResignRequest,
  type ResponseHeader,
} from '@kubelab/rpc/etcd';
import { LocalClient, type LocalServices } from './local-client.ts';
import { createdAt, oldest, queueKey, queuePrefix, waitForOlder } from './queue.ts';

/** etcd's Election service (`server/etcdserver/api/v3election`). */
export function electionService(services: LocalServices) {
  const clientOf = (call: CallInfo): LocalClient => new LocalClient(services, call);

  async function campaign(request: CampaignRequest, call: CallInfo): Promise<CampaignResponse> {
    const client = clientOf(call);
    const { name, value } = request;
    const lease = await client.session(request.lease);
    const key = queueKey(name, lease);
    const { header, succeeded, responses } = await client.txn({
      compare: [createdAt(key, 0)],
      success: [{ requestPut: { key, value, lease } }],
      failure: [{ requestRange: { key } }],
    });
    const own = responses[0]?.responseRange?.kvs[0];
    const leader = { name, key, rev: succeeded ? header.revision : (own?.createRevision ?? 0), lease };
    // It has stood for election before, maybe with another value.
    if (own !== undefined && Buffer.compare(own.value, value) !== 0) await put(client, leader, value);
    try {
      await waitForOlder(client, queuePrefix(name), leader.rev);
    } catch (error) {
      if (client.isOver) await remove(client, leader);
      throw error;
    }
    return { header, leader };
  }

  async function proclaim({ leader, value }: ProclaimRequest, call: CallInfo): Promise<ElectionResponse> {
    return { header: await put(clientOf(call), given(leader), value) };
  }

  async function leader({ name }: LeaderRequest, call: CallInfo): Promise<LeaderResponse> {
    const { kvs, header } = await clientOf(call).range(oldest(queuePrefix(name)));
    const [kv] = kvs;
    if (kv === undefined) throw new RpcError(StatusCode.UNKNOWN, 'election: no leader');
    return { header, kv };
  }

  async function resign({ leader }: ResignRequest, call: CallInfo): Promise<ElectionResponse> {
    return { header: await remove(clientOf(call), given(leader)) };
  }

  /** One leader after the other, each with all its values. */
  async function observe(
    { name }: LeaderRequest,
    stream: ServerStream<unknown, LeaderResponse>,
  ): Promise<void> {
    const client = clientOf(stream);
    const prefix = queuePrefix(name);
    while (!client.isOver) {
      const { kvs, header } = await client.range(oldest(prefix));
      const elected = kvs[0] === undefined ? await nextPut(client, prefix, header) : { header, kv: kvs[0] };
      if (elected === undefined) return;
      stream.write(elected);
      await observeOne(client, elected, stream);
    }
  }

  return { campaign, proclaim, leader, observe, resign };
}

/** The first one to stand for election. Undefined: the caller is gone. */
async function nextPut(
  client: LocalClient,
  prefix: Uint8Array,
  { revision: startRevision }: ResponseHeader,
): Promise<LeaderResponse | undefined> {
  for await (const { events, header } of client.watch({
    key: prefix,
    rangeEnd: prefixEnd(prefix),
    startRevision,
  })) {
    const kv = events.find(({ type }) => type === EventType.PUT)?.kv;
    if (kv !== undefined) return { kv, header: { ...header, revision: kv.modRevision } };
  }
  return undefined;
}

/** Until its key is deleted. */
async function observeOne(
  client: LocalClient,
  { kv: { key }, header }: LeaderResponse,
  stream: ServerStream<unknown, LeaderResponse>,
): Promise<void> {
  for await (const response of client.watch({ key, startRevision: header.revision + 1 })) {
    for (const { type, kv } of response.events) {
      if (type === EventType.DELETE) return;
      if (!stream.write({ header: response.header, kv })) await stream.drained();
    }
  }
}

function given(leader: LeaderKey | null): LeaderKey {
  if (leader === null) throw new RpcError(StatusCode.UNKNOWN, '"leader" field must be provided');
  return leader;
}

async function put(
  client: LocalClient,
  { key, rev, lease }: LeaderKey,
  value: KeyValue['value'],
): Promise<ResponseHeader> {
  const { header, succeeded } = await client.txn({
    compare: [createdAt(key, rev)],
    success: [{ requestPut: { key, value, lease } }],
  });
  if (!succeeded) throw new RpcError(StatusCode.UNKNOWN, 'election: not leader');
  return header;
}

/** Nothing to do where it does not lead any more. */
async function remove(client: LocalClient, { key, rev }: LeaderKey): Promise<ResponseHeader> {
  const { header } = await client.txn({
    compare: [createdAt(key, rev)],
    success: [{ requestDeleteRange: { key } }],
  });
  return header;
}
