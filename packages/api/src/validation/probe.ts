/** Probes and lifecycle hooks: exactly one handler each. */
import { forbidden, invalid, required } from '../field-errors.ts';
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../generated/types.ts';
import { type Errors, nonNegative, oneOf, portNumber, portNumberOrName } from './checks.ts';

const SCHEMES = ['HTTP', 'HTTPS'];
const HEADER_NAME = /^[-A-Za-z0-9]+$/;

interface Handler extends Pick<LifecycleHandler, 'exec' | 'httpGet' | 'tcpSocket' | 'sleep'> {
  grpc?: { port?: number | undefined } | undefined;
}

/** `graceSeconds`: the pod's, which a sleep may not outlast. */
export function* validateProbe(
  probe: Probe | undefined,
  kind: 'livenessProbe' | 'readinessProbe' | 'startupProbe',
  graceSeconds: number | undefined,
  path: string,
): Errors {
  if (probe === undefined) return;
  yield* validateHandler(probe, graceSeconds, path);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    yield* nonNegative(`${path}.${field}`, probe[field]);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    yield invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  }
  if (kind === 'readinessProbe') {
    if (grace !== undefined) {
      yield invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes');
    }
  } else if ((probe.successThreshold ?? 1) !== 1) {
    yield invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1');
  }
}

export function* validateLifecycle(
  lifecycle: Lifecycle | undefined,
  graceSeconds: number | undefined,
  path: string,
): Errors {
  if (lifecycle?.postStart !== undefined)
    yield* validateHandler(lifecycle.postStart, graceSeconds, `${path}.postStart`);
  if (lifecycle?.preStop !== undefined)
    yield* validateHandler(lifecycle.preStop, graceSeconds, `${path}.preStop`);
}

const KINDS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function* validateHandler(handler: Handler, graceSeconds: number | undefined, path: string): Errors {
  const [first, ...more] = KINDS.filter((kind) => handler[kind] !== undefined);
  if (first === undefined) yield required(path, 'must specify a handler type');
  if (first === 'exec' && (handler.exec?.command ?? []).length === 0) yield required(`${path}.exec.command`);
  if (first === 'httpGet' && handler.httpGet !== undefined)
    yield* validateHttpGet(handler.httpGet, `${path}.httpGet`);
  if (first === 'tcpSocket') yield* portNumberOrName(`${path}.tcpSocket.port`, handler.tcpSocket?.port);
  if (first === 'grpc') yield* portNumber(`${path}.grpc.port`, handler.grpc?.port);
  if (first === 'sleep') yield* validateSleep(handler.sleep?.seconds ?? 0, graceSeconds, `${path}.sleep`);
  for (const kind of more) yield forbidden(`${path}.${kind}`, 'may not specify more than 1 handler type');
}

function* validateHttpGet(action: HTTPGetAction, path: string): Errors {
  if (!action.path) yield required(`${path}.path`);
  yield* portNumberOrName(`${path}.port`, action.port);
  yield* oneOf(`${path}.scheme`, action.scheme, SCHEMES);
  for (const { name } of action.httpHeaders ?? []) {
    if (HEADER_NAME.test(name)) continue;
    const why =
      "a valid HTTP header must consist of alphanumeric characters or '-' " +
      "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    yield invalid(`${path}.httpHeaders`, name, why);
  }
}

function* validateSleep(seconds: number, graceSeconds: number | undefined, path: string): Errors {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return;
  yield invalid(
    path,
    seconds,
    `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
  );
}
