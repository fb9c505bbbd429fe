/** The controllers, for tests that put them on an API server of their own. */
export {
  type ControllerManagerOptions,
  controllers,
  type Registration,
  selectControllers,
} from './controllers.ts';
export { type ControllerManagerFlags, flagSpecs } from './flags.ts';
