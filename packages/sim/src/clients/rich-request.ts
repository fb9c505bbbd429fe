/** Requests beyond the simple ones: every shape that etcd's transactions and ranges have. */
export type RichRequest =
  | { readonly type: 'txn'; readonly txn: TxnSpec }
  | { readonly type: 'range'; readonly range: RangeSpec }
  | { readonly type: 'time-to-live'; readonly lease: number }
  | { readonly type: 'leases' }
  /** The hash of all that one member has up to a revision (0: the newest). */
  | { readonly type: 'hash-kv'; readonly revision: number }
  /** The alarm of a full store is taken back. */
  | { readonly type: 'disarm' }
  | { readonly type: 'role'; readonly name: string; readonly isAdded: boolean };

const RICH: ReadonlySet<string> = new Set([
  'txn',
  'range',
  'time-to-live',
  'leases',
  'hash-kv',
  'disarm',
  'role',
] satisfies RichRequest['type'][]);

export function isRich(request: { readonly type: string }): request is RichRequest {
  return RICH.has(request.type);
}

export type OpSpec = PutSpec | DeleteSpec | RangeSpec | TxnSpec;

export interface PutSpec {
  readonly op: 'put';
  readonly key: string;
  /** Empty where the old one is kept. */
  readonly value: string;
  readonly lease: number;
  readonly keepsValue: boolean;
  readonly keepsLease: boolean;
}

export interface DeleteSpec {
  readonly op: 'delete';
  readonly key: string;
  readonly end: string | undefined;
}

export type SortTargetName = 'key' | 'version' | 'create' | 'mod' | 'value';

export interface RangeSpec {
  readonly op: 'range';
  readonly key: string;
  readonly end: string | undefined;
  /** 0: the newest. */
  readonly revision: number;
  readonly limit: number;
  readonly order: 'none' | 'ascend' | 'descend';
  readonly target: SortTargetName;
  readonly isSerializable: boolean;
  readonly isKeysOnly: boolean;
  readonly isCountOnly: boolean;
  /** 0: no bound. */
  readonly minMod: number;
  readonly maxMod: number;
  readonly minCreate: number;
  readonly maxCreate: number;
}

export interface CompareSpec {
  readonly key: string;
  readonly end: string | undefined;
  readonly target: 'version' | 'create' | 'mod' | 'value' | 'lease';
  readonly result: '=' | '!=' | '>' | '<';
  readonly operand: number | string;
}

export interface TxnSpec {
  readonly op: 'txn';
  readonly compare: readonly CompareSpec[];
  readonly success: readonly OpSpec[];
  readonly failure: readonly OpSpec[];
}

/** All puts and deletions that a transaction may do, in either branch, at any depth. */
export function writesOf({ success, failure }: TxnSpec): (PutSpec | DeleteSpec)[] {
  return [...success, ...failure].flatMap((spec) =>
    spec.op === 'txn' ? writesOf(spec) : spec.op === 'range' ? [] : [spec],
  );
}

export function describeRich(request: RichRequest): string {
  switch (request.type) {
    case 'txn':
      return describeOp(request.txn);
    case 'range':
      return describeOp(request.range);
    case 'time-to-live':
      return `time-to-live ${request.lease}`;
    case 'hash-kv':
      return `hash-kv ${request.revision}`;
    case 'role':
      return `role ${request.isAdded ? 'add' : 'delete'} ${request.name}`;
    default:
      return request.type;
  }
}

function describeOp(spec: OpSpec): string {
  const range = ({ key, end }: { key: string; end: string | undefined }): string =>
    end === undefined ? key : `${key}..${end}`;
  switch (spec.op) {
    case 'put': {
      const value = spec.keepsValue ? '(same value)' : spec.value;
      const lease = spec.keepsLease ? ' same lease' : spec.lease === 0 ? '' : ` lease ${spec.lease}`;
      return `put ${spec.key} ${value}${lease}`;
    }
    case 'delete':
      return `delete ${range(spec)}`;
    case 'range':
      return `range ${range(spec)}${spec.revision === 0 ? '' : ` at ${spec.revision}`}`;
    default: {
      const compare = spec.compare.map(
        (each) => `${each.target} ${range(each)} ${each.result} ${each.operand}`,
      );
      const [then, otherwise] = [spec.success, spec.failure].map((ops) => ops.map(describeOp).join('; '));
      return `if ${compare.join(', ')} { ${then} } else { ${otherwise} }`;
    }
  }
}
