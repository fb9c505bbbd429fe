/** A figure that the store is judged by: one row of the table. */
export interface FigureSpec {
  readonly goal: `G${number}`;
  readonly what: string;
  readonly unit: '/s' | '/core-s' | 'ms' | 's' | 'MB' | '×';
  readonly better: 'more' | 'less';
  /** Ours divided by etcd's is compared with floor and target; with `absolute`, our own value. */
  readonly compare: 'ratio' | 'absolute';
  /** What must be reached; a row without one is there to be read. */
  readonly floor?: number;
  readonly target?: number;
}

const more = { better: 'more', compare: 'ratio' } as const;
const less = { better: 'less', compare: 'ratio' } as const;
const atMost = { better: 'less', compare: 'absolute' } as const;

/** In the order of the table. `-1` and `-3`: members; the number behind: clients. */
export const FIGURES = {
  'put-1-64': { goal: 'G1', what: 'put, 1 member, 64 clients', unit: '/s', ...more, floor: 1.3, target: 2 },
  'put-1-256': { goal: 'G1', what: 'put, 1 member, 256 clients', unit: '/s', ...more, floor: 1.3, target: 2 },
  'put-core': { goal: 'G2', what: 'put, 64 clients', unit: '/core-s', ...more, floor: 1.8, target: 3 },
  'put-1-p50': { goal: 'G3', what: 'sequential put, p50', unit: 'ms', ...less, floor: 0.9, target: 0.7 },
  'put-1-p99': { goal: 'G3', what: 'sequential put, p99', unit: 'ms', ...less },
  'put-3-64': {
    goal: 'G4',
    what: 'put, 3 members, 64 clients',
    unit: '/s',
    ...more,
    floor: 1.5,
    target: 2.2,
  },
  'put-3-256': {
    goal: 'G4',
    what: 'put, 3 members, 256 clients',
    unit: '/s',
    ...more,
    floor: 1.5,
    target: 2.5,
  },
  'put-3-p50': {
    goal: 'G5',
    what: 'sequential put, 3 members, p50',
    unit: 'ms',
    ...less,
    floor: 0.9,
    target: 0.7,
  },
  'put-3-p99': { goal: 'G5', what: 'sequential put, 3 members, p99', unit: 'ms', ...less },
  'txn-1': { goal: 'G6', what: 'kube txn, 1 member, 64 clients', unit: '/s', ...more, floor: 1.8, target: 3 },
  'txn-3': {
    goal: 'G6',
    what: 'kube txn, 3 members, 64 clients',
    unit: '/s',
    ...more,
    floor: 2.5,
    target: 5,
  },
  'get-serializable': {
    goal: 'G7',
    what: 'get, serializable, 64 clients',
    unit: '/core-s',
    ...more,
    floor: 2,
    target: 4,
  },
  'get-linearizable': {
    goal: 'G7',
    what: 'get, linearizable, 64 clients',
    unit: '/core-s',
    ...more,
    floor: 2,
    target: 4,
  },
  'get-p99-writer': {
    goal: 'G8',
    what: 'get p99 beside a writer, 64 clients',
    unit: 'ms',
    ...less,
    floor: 0.7,
    target: 0.4,
  },
  list: { goal: 'G9', what: 'list 500 × 256 B, items', unit: '/core-s', ...more, floor: 1.5, target: 3 },
  'watch-core': {
    goal: 'G10',
    what: '1000 watches, events',
    unit: '/core-s',
    ...more,
    floor: 1,
    target: 1.5,
  },
  'watch-p99': {
    goal: 'G10',
    what: '1000 watches at 100 put/s, p99',
    unit: 'ms',
    ...less,
    floor: 1,
    target: 0.6,
  },
  'streams-core': {
    goal: 'G11',
    what: '1000 watch streams, events',
    unit: '/core-s',
    ...more,
    floor: 1,
    target: 2,
  },
  restart: {
    goal: 'G12',
    what: 'restart to the first linearizable get',
    unit: 's',
    ...less,
    floor: 1,
    target: 0.5,
  },
  'restart-kill': { goal: 'G12', what: 'the same after SIGKILL', unit: 's', ...less },
  'rss-load': { goal: 'G13', what: 'RSS after the load', unit: 'MB', ...less, floor: 1, target: 0.7 },
  'rss-restart': { goal: 'G13', what: 'RSS after a restart', unit: 'MB', ...less },
  'defrag-max': {
    goal: 'G14',
    what: 'longest request in compact + defrag',
    unit: 'ms',
    ...atMost,
    floor: 100,
    target: 20,
  },
  'quiet-max': { goal: 'G14', what: 'longest request without them', unit: 'ms', ...atMost },
  'disk-ratio': {
    goal: 'G15',
    what: 'disk bytes ÷ live bytes after churn',
    unit: '×',
    ...atMost,
    floor: 3,
    target: 1.5,
  },
  'outage-kill': {
    goal: 'G16',
    what: 'no writes after SIGKILL of the leader',
    unit: 's',
    ...less,
    floor: 0.8,
    target: 0.3,
  },
  'outage-term': {
    goal: 'G17',
    what: 'no writes after SIGTERM of the leader',
    unit: 's',
    ...less,
    floor: 1.5,
    target: 1,
  },
  'put-tls': { goal: 'G18', what: 'put over TLS, 64 clients', unit: '/s', ...more, floor: 1.2, target: 1.8 },
} as const satisfies Readonly<Record<string, FigureSpec>>;

export type FigureId = keyof typeof FIGURES;
export const FIGURE_IDS = Object.keys(FIGURES) as readonly FigureId[];

/** The figures of some goals, `G3`; undefined with the word that is no goal. */
export function figuresOf(goals: readonly string[]): { ids: readonly FigureId[] } | { unknown: string } {
  const unknown = goals.find((goal) => FIGURE_IDS.every((id) => FIGURES[id].goal !== goal));
  if (unknown !== undefined) return { unknown };
  return { ids: FIGURE_IDS.filter((id) => goals.length === 0 || goals.includes(FIGURES[id].goal)) };
}
