import { errorMessage } from '@kubelab/component-base';
import { AlarmType } from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import { type HttpHandler, type HttpResponse, plainError, refuseMethod } from './message.ts';

/** What probes may be told of a member. */
export interface Probed {
  readonly hasLeader: boolean;
  readonly isLearner: boolean;
  /** Alarms raised anywhere in the cluster. */
  readonly alarms: readonly number[];
  /** Resolves when a read could be answered; rejects with the reason why not. */
  read(options: { readonly serializable: boolean }): Promise<void>;
}

export function probed(member: Member): Probed {
  const { machine, leadership, raft } = member;
  return {
    get hasLeader() {
      return leadership.leader !== undefined;
    },
    get isLearner() {
      return raft.status().isLearner;
    },
    get alarms() {
      return [...machine.state.alarms.values()].map(({ alarm }) => alarm);
    },
    async read({ serializable }) {
      if (!serializable) await member.linearize();
      if (machine.hasAlarm(AlarmType.CORRUPT)) throw new EtcdError('corrupt');
    },
  };
}

/** How probes went so far: plain numbers, read when metrics are scraped. */
export class HealthCounts {
  successes = 0;
  failures = 0;
  /** Of `/livez` and `/readyz`, by `type name`. */
  readonly checks = new Map<string, { successes: number; failures: number; isHealthy: boolean }>();

  record(type: string, name: string, isHealthy: boolean): void {
    const key = `${type} ${name}`;
    const counts = this.checks.get(key) ?? { successes: 0, failures: 0, isHealthy };
    if (isHealthy) counts.successes++;
    else counts.failures++;
    counts.isHealthy = isHealthy;
    this.checks.set(key, counts);
  }
}

/**
 * `/health`, as in etcd 3.5: of the cluster as this member sees it, with `?serializable=true` of the member
 * alone; `?exclude=NOSPACE` overlooks an alarm.
 */
export function healthHandler(member: Probed, counts: HealthCounts): HttpHandler {
  return async (request) => {
    const refusal = refuseMethod(request, 'GET');
    if (refusal !== undefined) return refusal;
    const reason = await whatIsWrong(
      member,
      new Set(request.query.getAll('exclude')),
      request.query.get('serializable') === 'true',
    );
    if (reason === '') counts.successes++;
    else counts.failures++;
    const body = JSON.stringify({ health: String(reason === ''), reason });
    if (reason !== '') return plainError(503, body);
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
  };
}

/** Empty: nothing. */
async function whatIsWrong(
  member: Probed,
  excluded: ReadonlySet<string>,
  serializable: boolean,
): Promise<string> {
  const alarm = member.alarms.map(alarmName).find((name) => !excluded.has(name));
  if (alarm !== undefined) return `ALARM ${alarm}`;
  if (!serializable && !member.hasLeader) return 'RAFT NO LEADER';
  try {
    await member.read({ serializable });
    return '';
  } catch (error) {
    return `RANGE ERROR:${errorMessage(error)}`;
  }
}

function alarmName(alarm: number): string {
  if (alarm === AlarmType.NOSPACE) return 'NOSPACE';
  return alarm === AlarmType.CORRUPT ? 'CORRUPT' : 'UNKNOWN';
}

type Check = (member: Probed) => Promise<void> | void;

const serializableRead: Check = (member) => member.read({ serializable: true });

/** Named checks, each with a path of its own: `/readyz/linearizable_read`. */
const CHECKS: Readonly<Record<'livez' | 'readyz', Readonly<Record<string, Check>>>> = {
  livez: { serializable_read: serializableRead },
  readyz: {
    data_corruption: ({ alarms }) => {
      if (alarms.includes(AlarmType.CORRUPT)) throw new Error('alarm activated: CORRUPT');
    },
    serializable_read: serializableRead,
    linearizable_read: (member) => member.read({ serializable: false }),
    non_learner: ({ isLearner }) => {
      if (isLearner) throw new Error('not supported for learner');
    },
  },
};

/** `/livez` (this process is worth keeping) and `/readyz` (it can serve), by path. */
export function checkHandlers(
  member: Probed,
  counts: HealthCounts,
): (readonly [path: string, handler: HttpHandler])[] {
  return Object.entries(CHECKS).flatMap(([type, checks]) => {
    const names = Object.keys(checks);
    const handler =
      (only: readonly string[], mayExclude: boolean): HttpHandler =>
      async (request) => {
        const refusal = refuseMethod(request, 'GET');
        if (refusal !== undefined) return refusal;
        const excluded = new Set(mayExclude ? request.query.getAll('exclude') : []);
        const lines: string[] = [];
        let isHealthy = true;
        for (const name of only.filter((each) => !excluded.has(each))) {
          const problem = await run(checks[name], member);
          counts.record(type, name, problem === undefined);
          lines.push(problem === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${problem}\n`);
          isHealthy &&= problem === undefined;
        }
        return isHealthy ? healthy(lines, request.query.has('verbose')) : plainError(503, lines.join(''));
      };
    return [
      [`/${type}`, handler(names, true)],
      ...names.map((name) => [`/${type}/${name}`, handler([name], false)] as const),
    ];
  });
}

/** What is wrong; undefined: nothing. */
async function run(check: Check | undefined, member: Probed): Promise<string | undefined> {
  try {
    await check?.(member);
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

function healthy(lines: readonly string[], isVerbose: boolean): HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: `${isVerbose ? lines.join('') : ''}ok\n`,
  };
}
