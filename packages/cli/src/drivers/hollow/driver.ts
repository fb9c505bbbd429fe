import type { DriverLab, Probe } from '../driver.ts';
import { ProcessDriver } from '../process-driver.ts';

/** Nodes whose kubelets run pods in memory: no engine, no privileges, no containers. */
export class HollowDriver extends ProcessDriver {
  readonly name = 'hollow';

  prepare(): Promise<void> {
    return Promise.resolve();
  }
  dockerCommand(): Promise<readonly string[]> {
    return Promise.reject(
      new Error('a hollow node has no engine: "kubectl get pods -o wide" shows its pods'),
    );
  }
  /** Nobody asks for names where nothing runs: hollow labs have no DNS. */
  resolves(): Promise<boolean> {
    return Promise.resolve(true);
  }
  destroy(lab: DriverLab): Promise<void> {
    return this.stopAll(lab);
  }
}

export function probeHollow(): Promise<Probe> {
  return Promise.resolve({ ok: true });
}
