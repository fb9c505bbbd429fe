import { loadProto } from '@kubelab/rpc';
import { onPath } from '../support/on-path.ts';
import type { BenchContext, Measure, Row } from '../core/measure.ts';
import { median } from '../core/stats.ts';
import { type Call, load } from '../support/h2load.ts';
import { StoreCluster, type StoreProgram } from '../support/store-cluster.ts';

const ROUNDS = 3;
const SECONDS = 3;
/** Not counted: a program that compiles as it runs needs it. */
const WARM_UP_SECONDS = 1;
const SIZES = [1, 3] as const;
const VALUE_BYTES = 256;
const KEY = '/registry/configmaps/default/bench';

const kv = loadProto('etcd');
const value = Buffer.alloc(VALUE_BYTES, 'v');
const key = Buffer.from(KEY);
const get = (serializable: boolean): Call => ({
  path: '/etcdserverpb.KV/Range',
  message: kv.message<object>('etcdserverpb.RangeRequest').encode({ key, serializable }),
});
const put: Call = {
  path: '/etcdserverpb.KV/Put',
  message: kv.message<object>('etcdserverpb.PutRequest').encode({ key, value }),
};

/** Reads come before writes: the real etcd's get slow after a burst of writes. */
const OPERATIONS = [
  { name: 'get, serializable', call: get(true), writes: false },
  { name: 'get, linearizable', call: get(false), writes: false },
  { name: `put ${VALUE_BYTES} B`, call: put, writes: true },
] as const;

interface Cell {
  readonly rates: number[];
  readonly cpuMicros: number[];
}

/**
 * Throughput at the leader with 64 clients, beside Debian's etcd: same machine, same run, same client, taking
 * turns. Both write to disk before they answer. Where clients share the machine's cores, CPU per operation is
 * the steadier figure.
 */
export const store: Measure = {
  name: 'store',
  summary: 'put and get throughput of etcd-lite against the real etcd, one and three members',
  async run(context) {
    for (const [tool, debian] of [
      ['h2load', 'nghttp2-client'],
      ['etcd', 'etcd-server'],
    ] as const) {
      if (!onPath(tool)) {
        const skipped = `${tool} is not installed (Debian: ${debian})`;
        return [{ what: 'etcd-lite ÷ etcd', unit: '×', skipped }];
      }
    }
    const rows: Row[] = [];
    for (const size of SIZES) rows.push(...(await compare(context, size)));
    return rows;
  },
};

async function compare(context: BenchContext, size: number): Promise<Row[]> {
  const cells = new Map<string, Cell>();
  const cell = (program: StoreProgram, operation: string): Cell => {
    const id = `${program} ${operation}`;
    const known = cells.get(id) ?? { rates: [], cpuMicros: [] };
    cells.set(id, known);
    return known;
  };
  for (let round = 1; round <= ROUNDS; round++) {
    const order: StoreProgram[] = round % 2 === 1 ? ['etcd-lite', 'etcd'] : ['etcd', 'etcd-lite'];
    for (const program of order) {
      context.tell(`${size} member(s), round ${round}: ${program}`);
      await measureProgram(context, program, size, cell);
    }
  }
  return OPERATIONS.flatMap(({ name }) => rowsOf(name, size, cell('etcd-lite', name), cell('etcd', name)));
}

async function measureProgram(
  context: BenchContext,
  program: StoreProgram,
  size: number,
  cell: (program: StoreProgram, operation: string) => Cell,
): Promise<void> {
  const cluster = await StoreCluster.start(program, size);
  context.defer(() => cluster.stop());
  const leader = await cluster.leader();
  await cluster.put(KEY, value);
  for (const { name, call, writes } of OPERATIONS) {
    await load(cluster.folder, leader, call, WARM_UP_SECONDS);
    const revision = await cluster.revision();
    const cpuBefore = await cluster.cpuSeconds();
    const { requests, seconds } = await load(cluster.folder, leader, call, SECONDS);
    const cpu = (await cluster.cpuSeconds()) - cpuBefore;
    const written = (await cluster.revision()) - revision;
    if (writes && written < requests) throw new Error(`${program}: ${requests} puts, ${written} revisions`);
    cell(program, name).rates.push(requests / seconds);
    cell(program, name).cpuMicros.push((cpu * 1e6) / requests);
  }
  await cluster.stop();
}

function rowsOf(operation: string, size: number, ours: Cell, real: Cell): Row[] {
  const [rate, realRate] = [median(ours.rates), median(real.rates)];
  const [cpu, realCpu] = [median(ours.cpuMicros), median(real.cpuMicros)];
  const what = `${operation}, ${size === 1 ? 'one member' : `${size} members`}`;
  return [
    {
      what: `${what}: rate ÷ etcd's`,
      unit: '×',
      value: rate / realRate,
      note: `${rate.toFixed(0)} /s against ${realRate.toFixed(0)} /s`,
      samples: ours.rates.map((each, i) => each / (real.rates[i] ?? Number.NaN)),
    },
    {
      what: `${what}: CPU per operation ÷ etcd's`,
      unit: '×',
      value: cpu / realCpu,
      note: `${cpu.toFixed(0)} µs against ${realCpu.toFixed(0)} µs, all members`,
    },
  ];
}
