import type { EtcdClient } from '@kubelab/rpc/client';
import { textOf } from '@kubelab/rpc/etcd';
import type { Answer, Operation } from '../clients/operation.ts';
import { hasWritten, rangeOf, textOfRange, textOfTxn, txnOf } from '../clients/rich-call.ts';
import type { OpSpec, RichRequest, TxnSpec } from '../clients/rich-request.ts';

/** Of those of any shape what a client asks of a store (and no operator, and no user of its own). */
export type RichAsked = Extract<RichRequest, { type: 'txn' | 'range' | 'time-to-live' | 'leases' }>;

export function isRichAsked(request: Operation['request']): request is RichAsked {
  return ASKED.has(request.type);
}

const ASKED: ReadonlySet<string> = new Set<RichAsked['type']>(['txn', 'range', 'time-to-live', 'leases']);

/** Asks a real member. */
export async function callRich(
  client: EtcdClient,
  request: RichAsked,
  options: { readonly timeoutMs: number },
): Promise<Answer> {
  switch (request.type) {
    case 'txn': {
      const response = await client.txn(txnOf(request.txn), options);
      const { revision } = response.header;
      return { revision, text: textOfTxn(response), hasWritten: hasWritten(response) };
    }
    case 'range': {
      const response = await client.range(rangeOf(request.range), options);
      return { revision: response.header.revision, text: textOfRange(response) };
    }
    case 'time-to-live': {
      const { header, TTL, keys } = await client.leaseTimeToLive({ ID: request.lease, keys: true }, options);
      return { revision: header.revision, ttlSeconds: Number(TTL), keys: keys.map(textOf) };
    }
    case 'leases': {
      const { header, leases } = await client.leaseLeases(options);
      return { revision: header.revision, leases: leases.map(({ ID }) => Number(ID)) };
    }
  }
}

/** Whether it reads what was before `revision`, which the accounts do not go back to. */
export function readsBefore(request: RichAsked, revision: number): boolean {
  const isBefore = (asked: number): boolean => asked > 0 && asked < revision;
  const opReads = (op: OpSpec): boolean => {
    if (op.op === 'range') return isBefore(op.revision);
    return op.op === 'txn' && txnReads(op);
  };
  const txnReads = ({ success, failure }: TxnSpec): boolean => [...success, ...failure].some(opReads);
  if (request.type === 'range') return isBefore(request.range.revision);
  return request.type === 'txn' && txnReads(request.txn);
}
