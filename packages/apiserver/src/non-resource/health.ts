import type { BodyResponse } from '../core/messages.ts';
import { textBody } from '../respond/body.ts';
import type { NonResourceRoute } from './handler.ts';

export interface HealthCheck {
  readonly name: string;
  /** Part of which questions it is. */
  readonly in: readonly ('livez' | 'readyz')[];
  isOk(): boolean;
}

/**
 * `/livez`, `/readyz`, and the older `/healthz` (which asks what `/readyz` asks, but for the end of the
 * process).
 */
export function healthRoutes(checks: readonly HealthCheck[]): NonResourceRoute[] {
  const live = checks.filter((check) => check.in.includes('livez'));
  const ready = checks.filter((check) => check.in.includes('readyz'));
  return [
    route('/livez', live),
    route('/readyz', ready),
    route(
      '/healthz',
      ready.filter((check) => check.name !== 'shutdown'),
    ),
  ];
}

function route(path: string, checks: readonly HealthCheck[]): NonResourceRoute {
  const name = path.slice(1);
  return {
    path,
    below: true,
    handle: (request, info) => {
      if (info.path === path) {
        const excluded = new Set(request.query.getAll('exclude'));
        const asked = checks.filter((check) => !excluded.has(check.name));
        return report(name, asked, request.query.has('verbose'));
      }
      const one = checks.find((check) => check.name === info.path.slice(path.length + 1));
      return one && report(name, [one], request.query.has('verbose'));
    },
  };
}

function report(name: string, checks: readonly HealthCheck[], isVerbose: boolean): BodyResponse {
  const results = checks.map((check) => ({ name: check.name, ok: check.isOk() }));
  const isOk = results.every(({ ok }) => ok);
  if (isOk && !isVerbose) return textBody(200, 'ok');
  const lines = results.map(({ name: check, ok }) =>
    ok ? `[+]${check} ok` : `[-]${check} failed: reason withheld`,
  );
  lines.push(`${name} check ${isOk ? 'passed' : 'failed'}`);
  return textBody(isOk ? 200 : 500, `${lines.join('\n')}\n`);
}
