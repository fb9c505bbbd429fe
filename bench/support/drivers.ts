import { probeDocker, probeNetns } from '@kubelab/cli';
import { findBusybox } from '../../tests/support/test-image.ts';

export type DriverName = 'docker' | 'netns' | 'hollow';

/** Every driver, with the reason why it cannot be measured here; undefined when it can. */
export async function driversHere(): Promise<Map<DriverName, string | undefined>> {
  const [netns, docker] = [await probeNetns(), await probeDocker()];
  return new Map<DriverName, string | undefined>([
    ['netns', netns.ok ? undefined : netns.why],
    ['docker', docker.ok ? undefined : docker.why],
    ['hollow', undefined],
  ]);
}

/** The driver for what needs only a lab: real containers where they can be had. */
export function bestDriver(drivers: ReadonlyMap<DriverName, string | undefined>): DriverName {
  return realDriver(drivers) ?? 'hollow';
}

/** One that runs real containers from an image of this machine's own busybox; undefined when none can. */
export function realDriver(drivers: ReadonlyMap<DriverName, string | undefined>): DriverName | undefined {
  if (findBusybox() === undefined) return undefined;
  return (['netns', 'docker'] as const).find((name) => drivers.has(name) && drivers.get(name) === undefined);
}
