import type { DriverName } from '../core/plan.ts';
import type { Driver } from './driver.ts';

/** Only the driver that is used is loaded. */
export async function driverOf(name: DriverName): Promise<Driver> {
  switch (name) {
    case 'docker':
      return new (await import('./docker/driver.ts')).DockerDriver();
    case 'netns':
      return new (await import('./netns/driver.ts')).NetnsDriver();
    case 'hollow':
      return new (await import('./hollow/driver.ts')).HollowDriver();
  }
}
