import { type ApiError, apiErrorFrom, type Status } from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';
import type { CallRequest } from '@kubelab/rpc/kube-api';
import type { Server, Servers } from './servers.ts';
import { type Transport, TransportError, type TransportResponse } from './transport.ts';

export interface CallDeps {
  readonly servers: Servers;
  readonly clock: Clock;
  transportTo(server: Server): Promise<Transport>;
}

const RETRY_AFTER_MAX_MS = 5_000;

/**
 * One API call over the list of servers until `timeoutMs` is over. Reads go on to the next server after any
 * loss; writes only when nothing can have been sent, or when the server itself asked to come again (429 or
 * 503 with Retry-After): CLIENT-1. Throws `ApiError` for a refusal, `TransportError` when nobody answered.
 */
export async function callServers(
  deps: CallDeps,
  request: CallRequest,
  timeoutMs: number,
): Promise<TransportResponse> {
  const { servers, clock } = deps;
  const isRead = request.verb === 'get' || request.verb === 'list';
  const deadlineMs = clock.monotonic() + timeoutMs;
  let lastError: Error = new TransportError('', 'no server', { maybeSent: false });

  for (let attempt = 0; ; attempt++) {
    const { server, waitMs } = servers.pick();
    if (attempt > 0 && clock.monotonic() + waitMs >= deadlineMs) throw lastError;
    if (waitMs > 0) await clock.sleep(Math.min(waitMs, deadlineMs - clock.monotonic()));

    const startMs = clock.monotonic();
    const since = server.lost.signal;
    const leftMs = Math.max(deadlineMs - startMs, 1);
    try {
      // A read keeps half of its time for another server, should this one hang.
      const attemptMs = isRead && servers.count > 1 ? leftMs / 2 : leftMs;
      const response = await (await deps.transportTo(server)).call(request, attemptMs);
      servers.heard(server);
      if (response.code < 400) return response;
      const refusal = refusalOf(response.code, response.body);
      const retryMs = retryDelayMs(response, refusal, isRead);
      if (retryMs === undefined) throw refusal;
      lastError = refusal;
      if (refusal.code === 503) servers.failed(server, refusal, since);
      if (refusal.code === 429 || servers.count === 1) {
        if (clock.monotonic() + retryMs >= deadlineMs) throw refusal;
        await clock.sleep(retryMs);
      }
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      // One slow answer is no death while the server still says other things.
      const isSilent = server.heardAtMs < startMs;
      if (!error.timedOut || isSilent) servers.failed(server, error, since);
      if (error.maybeSent && !isRead) throw error;
      lastError = error;
    }
  }
}

/** The refusal as an error; its Status is made up when the body is none (a proxy's error page). */
export function refusalOf(code: number, body: Uint8Array): ApiError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    const parsed = JSON.parse(text) as Partial<Status> | null;
    if (parsed?.kind === 'Status') return apiErrorFrom({ ...parsed, code: parsed.code ?? code });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return apiErrorFrom({ code, message: text.trim().slice(0, 1024) || `HTTP ${code}` });
}

/** How long to wait before the same call may be made again; undefined when the refusal is final. */
function retryDelayMs(response: TransportResponse, refusal: ApiError, isRead: boolean): number | undefined {
  const asked = response.retryAfterSeconds ?? refusal.retryAfterSeconds;
  if (asked !== undefined && (response.code === 429 || response.code === 503)) {
    return Math.min(asked * 1000, RETRY_AFTER_MAX_MS);
  }
  return response.code === 503 && isRead ? 100 : undefined;
}
