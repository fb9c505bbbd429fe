export { main } from './main.ts';
export type { LabStatus, MemberReport } from './status/gather.ts';
export { probeDocker } from './drivers/docker/probe.ts';
export { probeNetns } from './drivers/netns/driver.ts';
