import { type CallInfo, RpcError, StatusCode } from '@kubelab/rpc';
import type {
  LockRequest,
  LockResponse,
  ResponseHeader,
  UnlockRequest,
  UnlockResponse,
} from '@kubelab/rpc/etcd';
import { LocalClient, type LocalServices } from './local-client.ts';
import { createdAt, oldest, queueKey, queuePrefix, waitForOlder } from './queue.ts';

/** etcd's Lock service (`server/etcdserver/api/v3lock`). */
export function lockService(services: LocalServices) {
  async function lock({ name, lease }: LockRequest, call: CallInfo): Promise<LockResponse> {
    const client = new LocalClient(services, call);
    const session = await client.session(lease);
    const prefix = queuePrefix(name);
    const key = queueKey(name, session);
    const owner = { requestRange: oldest(prefix) };
    const { header, succeeded, responses } = await client.txn({
      compare: [createdAt(key, 0)],
      success: [{ requestPut: { key, lease: session } }, owner],
      failure: [{ requestRange: { key } }, owner],
    });
    const [own, first] = responses.map(({ responseRange }) => responseRange?.kvs[0]);
    const revision = succeeded ? header.revision : (own?.createRevision ?? 0);
    if (first === undefined || first.createRevision === revision) return { header, key };
    return { header: await wait(client, prefix, key, revision), key };
  }

  async function wait(
    client: LocalClient,
    prefix: Uint8Array,
    key: Uint8Array,
    revision: number,
  ): Promise<ResponseHeader> {
    try {
      await waitForOlder(client, prefix, revision);
      const { kvs, header } = await client.range({ key });
      if (kvs.length > 0) return header;
    } catch (error) {
      // Nobody waits for it any more: it must not get the lock.
      await client.deleteRange({ key });
      throw error;
    }
    throw new RpcError(StatusCode.UNKNOWN, 'mutex: session is expired');
  }

  async function unlock({ key }: UnlockRequest, call: CallInfo): Promise<UnlockResponse> {
    const { header } = await new LocalClient(services, call).deleteRange({ key });
    return { header };
  }

  return { lock, unlock };
}
