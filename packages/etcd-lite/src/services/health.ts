import { RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import { type HealthCheckRequest, type HealthCheckResponse, ServingStatus } from '@kubelab/rpc/etcd';

// gRPC's Health service: the server as a whole (""), which serves as long as it answers. Whether the member has
// a leader, `/health` and `/readyz` tell.

export function checkHealth({ service }: HealthCheckRequest): HealthCheckResponse {
  if (service !== '') throw new RpcError(StatusCode.NOT_FOUND, 'unknown service');
  return { status: ServingStatus.SERVING };
}

/** What is said once holds; the client leaves when it has heard enough. */
export async function watchHealth(
  { service }: HealthCheckRequest,
  stream: ServerStream<unknown, HealthCheckResponse>,
): Promise<void> {
  stream.write({ status: service === '' ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN });
  const { signal } = stream;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
