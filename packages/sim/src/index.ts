export { type SimulationOptions, type SimulationResult, simulate } from './simulation.ts';
export { Violation } from './checks/violation.ts';
