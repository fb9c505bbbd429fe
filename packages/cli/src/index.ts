export { main } from './main.ts';
export type { LabStatus, MemberReport } from './status/gather.ts';
